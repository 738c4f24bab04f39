import { expect, test } from "bun:test";
import { proxyFor } from "./proxy.ts";

const PROXY = "http://proxy.example:3128";

const cases: readonly { server: string; noProxy: string; direct: boolean; why: string }[] = [
  { server: "https://10.0.0.1:6443", noProxy: "", direct: false, why: "nothing is exempt" },
  { server: "https://localhost:6443", noProxy: "", direct: true, why: "loopback by name" },
  { server: "https://127.8.0.1:6443", noProxy: "", direct: true, why: "loopback by address" },
  { server: "https://[::1]:6443", noProxy: "", direct: true, why: "loopback by IPv6 address" },
  { server: "https://kube.corp.example", noProxy: "corp.example", direct: true, why: "below a domain" },
  { server: "https://corp.example", noProxy: "corp.example", direct: true, why: "the domain itself" },
  {
    server: "https://notcorp.example",
    noProxy: "corp.example",
    direct: false,
    why: "a domain is no suffix of letters",
  },
  {
    server: "https://corp.example",
    noProxy: ".corp.example",
    direct: false,
    why: "a leading dot leaves the domain itself out",
  },
  { server: "https://a.corp.example", noProxy: "x, *.corp.example ", direct: true, why: "a star is a leading dot" },
  { server: "https://A.Corp.example", noProxy: "CORP.EXAMPLE", direct: true, why: "letters compare in any case" },
  { server: "https://corp.example:6443", noProxy: "corp.example:443", direct: false, why: "another port" },
  { server: "https://corp.example", noProxy: "corp.example:443", direct: true, why: "the scheme's own port" },
  { server: "https://10.1.2.3:6443", noProxy: "10.0.0.0/8", direct: true, why: "in a CIDR" },
  { server: "https://11.1.2.3:6443", noProxy: "10.0.0.0/8", direct: false, why: "outside a CIDR" },
  { server: "https://10.1.2.3:6443", noProxy: "10.1.2.3:6443", direct: true, why: "address and port" },
  { server: "https://[fd00::7]:6443", noProxy: "fd00::/16", direct: true, why: "in an IPv6 CIDR" },
  { server: "https://[fd00::7]:6443", noProxy: "[fd00::7]:6443", direct: true, why: "IPv6 address and port" },
  { server: "https://[fd00::7]:6443", noProxy: "fd00::7", direct: true, why: "IPv6 address" },
  { server: "https://10.1.2.3", noProxy: "2.3", direct: false, why: "an address has no suffixes" },
  { server: "https://corp.example", noProxy: "*", direct: true, why: "everything" },
  { server: "https://corp.example", noProxy: "10.0.0.0/99,,", direct: false, why: "entries that do not parse" },
];

test.each([...cases])("NO_PROXY $noProxy for $server: $why", ({ server, noProxy, direct }) => {
  expect(proxyFor(server, { proxyUrl: undefined, env: { HTTPS_PROXY: PROXY, NO_PROXY: noProxy } }))
    .toBe(direct ? undefined : PROXY);
});

test("the proxy of the environment is that of the server's scheme, in either case", () => {
  const env = {
    https_proxy: "secure.example:1",
    HTTP_PROXY: "http://plain.example:2",
    ALL_PROXY: "http://all.example",
  };
  expect(proxyFor("https://kube", { proxyUrl: undefined, env })).toBe("http://secure.example:1");
  expect(proxyFor("http://kube", { proxyUrl: undefined, env })).toBe("http://plain.example:2");
  expect(proxyFor("http://kube", { proxyUrl: undefined, env: { HTTPS_PROXY: PROXY, ALL_PROXY: PROXY } }))
    .toBeUndefined();
});

test("a kubeconfig's proxy-url wins over the environment and NO_PROXY", () => {
  const env = { HTTPS_PROXY: PROXY, NO_PROXY: "*" };
  expect(proxyFor("https://127.0.0.1", { proxyUrl: "http://mine:1", env })).toBe("http://mine:1");
});

test("a proxy of an unsupported kind is refused without showing its password", () => {
  expect(() => proxyFor("https://kube", { proxyUrl: "socks5://user:secret@mine:1", env: {} }))
    .toThrow(
      'read proxy-url of the kubeconfig: "socks5://…@mine:1" must be a URL that begins with http:// or https://',
    );
});
