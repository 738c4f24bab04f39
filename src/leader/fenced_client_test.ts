import { expect, test } from "bun:test";
import { ApiError, isNotWanted, isTransient, notWanted } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { fencedClient } from "./fenced_client.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** Asks before each of two tries, as the real client does. */
class TryingClient implements KubeClient {
  readonly sent: string[] = [];
  betweenTries: () => void = () => {};

  request(request: KubeRequest): Promise<unknown> {
    for (const tried of ["first", "second"]) {
      if (request.isWanted?.() === false) return Promise.reject(notWanted(request.path));
      this.sent.push(`${tried} ${request.method}`);
      this.betweenTries();
    }
    return Promise.resolve("answer");
  }

  stream(): Promise<ReadableStream<Uint8Array>> {
    return Promise.resolve(new ReadableStream());
  }
}

function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => undefined, (error: unknown) => error);
}

test("behind a closed fence reads and watches go on, and no write is sent", async () => {
  const inner = new TryingClient();
  const client = fencedClient(inner, () => false);
  for (const method of METHODS) await rejection(client.request({ method, path: "/x" }));
  expect(inner.sent).toEqual(["first GET", "second GET"]);
  expect(await client.stream({ method: "GET", path: "/x" })).toBeInstanceOf(ReadableStream);
});

test("a fence that closes between two tries stops the second", async () => {
  const inner = new TryingClient();
  let mayWrite = true;
  inner.betweenTries = () => mayWrite = false;
  const error = await rejection(fencedClient(inner, () => mayWrite).request({ method: "PATCH", path: "/x" }));
  expect(inner.sent).toEqual(["first PATCH"]);
  expect(error).toBeInstanceOf(ApiError);
  expect(String(error)).toContain("PATCH /x: not sent, as the lease is not ours");
});

test("a fenced write is tried again later; one that is overtaken is not", async () => {
  const fenced = await rejection(fencedClient(new TryingClient(), () => false).request({ method: "POST", path: "/x" }));
  expect([isTransient(fenced), isNotWanted(fenced)]).toEqual([true, false]);
  const open = fencedClient(new TryingClient(), () => true);
  const overtaken = await rejection(open.request({ method: "POST", path: "/x", isWanted: () => false }));
  expect(isNotWanted(overtaken)).toBe(true);
  expect(await open.request({ method: "POST", path: "/x", isWanted: () => true })).toBe("answer");
});
