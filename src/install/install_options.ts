import { FEATURE_GATE_NAMES, featureGateProblem } from "../api/feature_gates.ts";
import { isDns1123Label } from "../config/names.ts";
import { UsageError } from "../config/usage_error.ts";

/** What an administrator chooses about an installation. */
export interface InstallOptions {
  readonly namespace: string;
  /** False where the namespace is somebody else's: its object is then left out. */
  readonly hasNamespace: boolean;
  readonly image: string;
  readonly imagePullSecret: string | undefined;
  readonly replicas: number;
  readonly featureGates: Readonly<Record<string, boolean>>;
  /** Certificates by cert-manager in place of our own. */
  readonly hasCertManager: boolean;
  /** With what the Prometheus operator needs. */
  readonly hasPrometheus: boolean;
  /** Where the controller runs outside of the cluster: webhooks are called here, and there is no Deployment. */
  readonly webhookUrl: string | undefined;
}

/** The flags as they were typed, by name without dashes; absent where not given. */
export type InstallFlags = Readonly<Record<string, string | undefined>>;

export const DEFAULT_NAMESPACE = "jobset-system";
/** Spec 6.5: works after an import into the container runtime. */
const IMAGE = "localhost/jobset-lite/jobset";
const MAX_REPLICAS = 100;
const TRUE = ["1", "t", "T", "true", "TRUE", "True"];
const FALSE = ["0", "f", "F", "false", "FALSE", "False"];

/** Without a flag: what `jobset manifests` prints. `version` is this executable's. */
export function defaultInstallOptions(version: string): InstallOptions {
  return {
    namespace: DEFAULT_NAMESPACE,
    hasNamespace: true,
    image: `${IMAGE}:v${version}`,
    imagePullSecret: undefined,
    replicas: 1,
    featureGates: {},
    hasCertManager: false,
    hasPrometheus: false,
    webhookUrl: undefined,
  };
}

/** Reads the flags over `base`; an empty value counts as absent. Throws a UsageError that names the flag. */
export function readInstallOptions(flags: InstallFlags, base: InstallOptions): InstallOptions {
  const url = text(flags["webhook-url"]);
  const options: InstallOptions = {
    namespace: readNamespace(text(flags["namespace"])) ?? base.namespace,
    hasNamespace: !(readYesOrNo("skip-namespace", flags["skip-namespace"]) ?? !base.hasNamespace),
    image: readImage(text(flags["image"])) ?? base.image,
    imagePullSecret: text(flags["image-pull-secret"]) ?? base.imagePullSecret,
    replicas: readReplicas(text(flags["replicas"])) ?? base.replicas,
    featureGates: { ...base.featureGates, ...readFeatureGates(text(flags["feature-gates"])) },
    hasCertManager: readYesOrNo("cert-manager", flags["cert-manager"]) ?? base.hasCertManager,
    hasPrometheus: readYesOrNo("prometheus", flags["prometheus"]) ?? base.hasPrometheus,
    webhookUrl: url === undefined ? base.webhookUrl : url === "none" ? undefined : readWebhookUrl(url),
  };
  if (options.webhookUrl !== undefined) refuseWithUrl(flags, options);
  return options;
}

/** A flag that is yes or no, as Go reads it; undefined where it was not given. */
export function readYesOrNo(flag: string, value: string | undefined): boolean | undefined {
  if (value === undefined || value === "") return undefined;
  if (TRUE.includes(value)) return true;
  if (FALSE.includes(value)) return false;
  throw new UsageError(`--${flag}: "${value}" is neither true nor false`);
}

/** `A=true,B=false`, checked against the gates there are. */
function readFeatureGates(value: string | undefined): Readonly<Record<string, boolean>> {
  const gates: Record<string, boolean> = {};
  for (const entry of (value ?? "").split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const [, name, state] = /^([^=]+)=(.*)$/.exec(entry) ?? [];
    const isOn = state === undefined ? undefined : readYesOrNo("feature-gates", state.trim());
    if (name === undefined || isOn === undefined) {
      throw new UsageError(`--feature-gates: "${entry}" is not NAME=true or NAME=false`);
    }
    const problem = featureGateProblem(name.trim(), isOn);
    if (problem !== undefined) {
      throw new UsageError(`--feature-gates: ${problem}; there are ${FEATURE_GATE_NAMES.join(", ")}`);
    }
    gates[name.trim()] = isOn;
  }
  return gates;
}

function text(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function readNamespace(value: string | undefined): string | undefined {
  if (value === undefined || isDns1123Label(value)) return value;
  throw new UsageError(`--namespace: "${value}" is not the name of a namespace`);
}

function readImage(value: string | undefined): string | undefined {
  if (value === undefined || /^[\w][\w.:/@-]*$/.test(value)) return value;
  throw new UsageError(`--image: "${value}" is not the name of an image`);
}

function readReplicas(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const replicas = /^\d{1,4}$/.test(value) ? Number(value) : -1;
  if (replicas >= 0 && replicas <= MAX_REPLICAS) return replicas;
  throw new UsageError(`--replicas: "${value}" is not a whole number from 0 to ${MAX_REPLICAS}`);
}

/** As API servers demand it of a webhook's URL; without the slash at its end. */
function readWebhookUrl(value: string): string {
  const refused = (why: string) => new UsageError(`--webhook-url: "${value}" ${why}; such as https://head:9443`);
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.protocol !== "https:" || url.hostname === "") throw refused("is no https URL");
  if (url.username !== "" || url.password !== "") throw refused("has a user name or password: none is allowed");
  if (url.search !== "" || url.hash !== "" || /[?#]/.test(value)) {
    throw refused("has a query or fragment: none is allowed");
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** With a URL there is no Deployment and no Service: what would change them can't be meant. */
function refuseWithUrl(flags: InstallFlags, options: InstallOptions): void {
  const isPointless = (flag: string) => text(flags[flag]) !== undefined;
  const flag = ["image", "image-pull-secret", "replicas"].find(isPointless) ??
    (options.hasCertManager ? "cert-manager" : options.hasPrometheus ? "prometheus" : undefined);
  if (flag === undefined) return;
  throw new UsageError(`--${flag}: not with --webhook-url, which leaves out the Deployment and the Services`);
}
