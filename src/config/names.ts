/** The names of Kubernetes objects that the configuration gives, as the API server would check them. */

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const DNS_1123_LABEL = new RegExp(`^${LABEL}$`);
const DNS_1123_SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const DNS_1035_LABEL = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The name of a namespace. */
export function isDns1123Label(name: string): boolean {
  return DNS_1123_LABEL.test(name);
}

/** The name of most objects. */
export function isDns1123Subdomain(name: string): boolean {
  return name.length <= 253 && DNS_1123_SUBDOMAIN.test(name);
}

/** The name of a Service. */
export function isDns1035Label(name: string): boolean {
  return DNS_1035_LABEL.test(name);
}
