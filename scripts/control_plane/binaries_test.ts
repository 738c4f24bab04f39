import { expect, test } from "bun:test";
import { locateBinaries, type Machine } from "./binaries.ts";
import { BINARIES, findVersion, VERSIONS } from "./versions.ts";

const VERSION = findVersion();
const CACHE = `/cache/jobset-lite/kubernetes-v${VERSION.kubernetes}`;

interface Parts {
  readonly env?: Readonly<Record<string, string>>;
  /** Folders that have all of the binaries. */
  readonly folders?: readonly string[];
  readonly files?: readonly string[];
  /** The Kubernetes version of what is on PATH. */
  readonly onPath?: string;
  readonly etcdOnPath?: string;
}

function machine({ env = {}, folders = [], files = [], onPath, etcdOnPath = VERSION.etcd }: Parts): Machine {
  const there = new Set([...files, ...folders.flatMap((folder) => BINARIES.map((name) => `${folder}/${name}`))]);
  return {
    env: { XDG_CACHE_HOME: "/cache", ...env },
    isThere: (path) => there.has(path),
    which: (name) => onPath === undefined ? undefined : `/bin/${name}`,
    versionText(path) {
      if (path.endsWith("etcd")) return `etcd Version: ${etcdOnPath}\nGo Version: go1\n`;
      return path.endsWith("kubectl")
        ? `Client Version: v${onPath}\nKustomize Version: v5\n`
        : `Kubernetes v${onPath}\n`;
    },
  };
}

/** Where kubectl was found, and what was said. */
function locate(parts: Parts): { readonly kubectl: string | undefined; readonly said: readonly string[] } {
  const said: string[] = [];
  const found = locateBinaries(VERSION, machine(parts), (line) => said.push(line));
  return { kubectl: found?.kubectl, said };
}

test("KUBEBUILDER_ASSETS comes before the cache, and the cache before PATH", () => {
  const env = { KUBEBUILDER_ASSETS: "/assets" };
  const all = { env, folders: ["/assets", CACHE], onPath: VERSION.kubernetes };
  expect(locate(all).kubectl).toBe("/assets/kubectl");
  expect(locate({ ...all, env: {} }).kubectl).toBe(`${CACHE}/kubectl`);
  expect(locate({ onPath: VERSION.kubernetes }).kubectl).toBe("/bin/kubectl");
  expect(locate({}).kubectl).toBeUndefined();
});

test("a KUBEBUILDER_ASSETS folder that lacks one is passed over, with a word", () => {
  const files = ["/assets/etcd", "/assets/kube-apiserver", "/assets/kubectl"];
  const { kubectl, said } = locate({ env: { KUBEBUILDER_ASSETS: "/assets" }, files, folders: [CACHE] });
  expect(kubectl).toBe(`${CACHE}/kubectl`);
  expect(said.length).toBe(1);
});

test("what is on PATH counts only in the right version", () => {
  expect(locate({ onPath: `${VERSION.kubernetes}0` }).kubectl).toBeUndefined();
  expect(locate({ onPath: "1.30.0" }).kubectl).toBeUndefined();
  expect(locate({ onPath: VERSION.kubernetes, etcdOnPath: "3.5.0" }).kubectl).toBeUndefined();
});

test("every version has its Go modules", async () => {
  for (const { minor, kubernetes, etcd } of VERSIONS) {
    const text = await Bun.file(`${import.meta.dir}/go_modules/v${minor}/go.mod`).text();
    expect(text).toContain(`k8s.io/kubernetes v${kubernetes}\n`);
    expect(text).toContain(`go.etcd.io/etcd/server/v3 v${etcd}\n`);
  }
});
