import { afterAll, expect, test } from "bun:test";
import { serveProbe } from "./probe_barrier.ts";

const barriers: ReturnType<typeof serveProbe>[] = [];

afterAll(async () => {
  for (const barrier of barriers) await barrier.end();
});

function serve(path: string): ReturnType<typeof serveProbe> {
  const barrier = serveProbe({ path, port: 0 });
  barriers.push(barrier);
  return barrier;
}

/** The first line of the answer to a request as it is written. */
async function ask(port: number, ...head: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, bytes) => resolve(bytes.toString().split("\r\n")[0] ?? ""),
      close: () => reject(new Error("closed without an answer")),
    },
  });
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  return await promise.finally(() => socket.end());
}

test("whoever asks for the path learns whether the barrier stands, by GET or HEAD, with a host, an odd one or none", async () => {
  const barrier = serve("/barrier-is-down");
  const requests = [
    ["GET /barrier-is-down HTTP/1.1", "Host: 10.0.0.1:8081"],
    ["HEAD /barrier-is-down HTTP/1.1", "Host: [::1]:8081"],
    ["GET /barrier-is-down?now HTTP/1.1", "Host: a b%%"],
    ["GET /barrier-is-down HTTP/1.1", "Host:"],
    ["GET /barrier-is-down HTTP/1.0"],
  ];
  const codes = async () => {
    const answers = await Promise.all(requests.map((head) => ask(barrier.port, ...head)));
    return answers.map((answer) => answer.split(" ")[1]);
  };
  expect(await codes()).toEqual(["503", "503", "503", "503", "503"]);
  barrier.lift();
  expect(await codes()).toEqual(["200", "200", "200", "200", "200"]);
  expect(await ask(barrier.port, "GET /other HTTP/1.1", "Host: x")).toContain("404");
});

test("a path is met however the one who asks writes it", async () => {
  const asked = [["/a?x=1", "/a?x=1"], ["/a b", "/a%20b"], ["/ü", "/%C3%BC"], ["//a", "//a"], ["/a/../b", "/b"], [
    "/%41",
    "/%41",
  ]];
  for (const [path = "", target] of asked) {
    expect([path, await ask(serve(path).port, `GET ${target} HTTP/1.1`, "Host: x")]).toEqual([
      path,
      expect.stringContaining("503"),
    ]);
  }
});
