import { expect, test } from "bun:test";
import { asString, at, type JsonObject } from "../base/json.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { NodeCluster } from "./node_cluster.ts";
import { holderOf, type NodeView, readNode } from "./node_view.ts";
import type { NodeWish } from "./node_wish.ts";
import { KEY, node, nodeBody, type NodeShape } from "./test_nodes.ts";
import { writeNodes } from "./write_nodes.ts";

/** Nodes of an API server that refuses a stale resourceVersion; `on` may change them under our hands. */
class FakeNodes implements KubeClient {
  readonly bodies = new Map<string, JsonObject>();
  patches = 0;
  on: (patch: number) => void = () => {};

  set(name: string, shape: NodeShape | undefined, resourceVersion = "1"): void {
    if (shape === undefined) return void this.bodies.delete(name);
    const body = nodeBody(name, shape);
    this.bodies.set(name, { ...body, metadata: { ...Object(body["metadata"]), resourceVersion } });
  }

  request({ method, path, body }: KubeRequest): Promise<unknown> {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (method === "PATCH") this.on(++this.patches);
    const stored = this.bodies.get(name);
    if (stored === undefined) return failure(404, "NotFound");
    if (method === "GET") return Promise.resolve(stored);
    if (at(body, "metadata", "resourceVersion") !== at(stored, "metadata", "resourceVersion")) {
      return failure(409, "Conflict");
    }
    const labels = { ...Object(at(stored, "metadata", "labels")), ...Object(at(body, "metadata", "labels")) };
    const resourceVersion = `${asString(at(stored, "metadata", "resourceVersion"))}0`;
    const spec = at(body, "spec");
    this.bodies.set(name, { ...stored, metadata: { name, labels, resourceVersion }, spec });
    return Promise.resolve(stored);
  }

  stream(): Promise<ReadableStream<Uint8Array>> {
    return Promise.reject(new Error("nothing is watched"));
  }
}

function failure(status: number, reason: string): Promise<never> {
  return Promise.reject(new ApiError({ status, reason, message: reason }));
}

const WISH: NodeWish = { kind: "hold", node: "n", domain: "a", holder: "default_w-0" };

function write(client: FakeNodes, wishes: readonly NodeWish[] = [WISH], read: readonly NodeView[] = []): Promise<void> {
  const cluster = new NodeCluster({ client, signal: new AbortController().signal });
  const nodes = read.length > 0 ? read : wishes.map((wish) => node(wish.node, { rack: "a" }));
  return writeNodes({ cluster, wishes, nodes: new Map(nodes.map((entry) => [entry.name, entry])), topologyKey: KEY });
}

function stored(client: FakeNodes, name = "n"): NodeView {
  return readNode(client.bodies.get(name) ?? {});
}

test("a node that changed since it was read is read again, and nothing of the change is lost", async () => {
  const client = new FakeNodes();
  const gpu = { key: "nvidia.com/gpu", effect: "NoSchedule" };
  client.set("n", { rack: "a", labels: { new: "yes" }, taints: [gpu] }, "2");
  await write(client);
  expect(stored(client).labels).toMatchObject({ new: "yes" });
  expect(holderOf(stored(client))).toBe("default_w-0");
  expect(stored(client).taints).toHaveLength(2);
  expect(client.patches).toBe(2);
});

test("a node that another took meanwhile stays the other's, and the run ends with what was done", async () => {
  const client = new FakeNodes();
  client.set("m", { rack: "a" });
  client.set("n", { rack: "a", holder: "x_y-0" }, "2");
  const writing = write(client, [{ ...WISH, node: "m" }, WISH]);
  await expect(writing).rejects.toThrow(
    "change node n: it has been labelled for x_y-0; 1 of 2 nodes are done: run it again to go on",
  );
  expect(holderOf(stored(client))).toBe("x_y-0");
});

test("a node that is gone is no failure", async () => {
  const client = new FakeNodes();
  await write(client);
  client.set("n", { rack: "a" }, "2");
  client.on = () => client.set("n", undefined);
  await write(client);
});

test("a node that changes at every try is given up", async () => {
  const client = new FakeNodes();
  client.on = (patch) => client.set("n", { rack: "a" }, `${patch + 100}`);
  client.set("n", { rack: "a" });
  await expect(write(client)).rejects.toThrow("change node n: Conflict; 0 of 1 nodes are done");
  expect(client.patches).toBe(10);
});
