import { expect, test } from "bun:test";
import { Semaphore } from "../client/semaphore.ts";
import { SharedRequests } from "./shared_requests.ts";

/** Requests that are answered by the test: each answer says how many had been sent before it. */
function requests(places = 50) {
  const sent: { readonly question: string; answer(): void; fail(): void }[] = [];
  const shared = new SharedRequests<string>(new Semaphore(places));
  const ask = (question: string, isCertain: boolean) =>
    shared.ask(question, isCertain, () => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const position = sent.length;
      sent.push({ question, answer: () => resolve(`answer ${position}`), fail: () => reject(new Error("no answer")) });
      return promise;
    });
  return { ask, sent };
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("those who ask while a request is under way share it", async () => {
  const { ask, sent } = requests();
  const first = ask("a", false);
  await settled();
  const others = Array.from({ length: 100 }, () => ask("a", false));
  await settled();
  expect(sent).toHaveLength(1);
  sent[0]?.answer();
  expect(new Set(await Promise.all([first, ...others]))).toEqual(new Set(["answer 0"]));
});

test("whoever must be certain gets the answer to a request that was sent after the question", async () => {
  const { ask, sent } = requests();
  const early = ask("a", true);
  await settled();
  const late = [ask("a", true), ask("a", true), ask("a", false)];
  await settled();
  expect(sent).toHaveLength(1);
  sent[0]?.answer();
  await settled();
  expect(sent).toHaveLength(2);
  const later = ask("a", true);
  sent[1]?.answer();
  expect([await early, ...await Promise.all(late)]).toEqual(["answer 0", "answer 1", "answer 1", "answer 1"]);
  await settled();
  sent[2]?.answer();
  expect(await later).toBe("answer 2");
});

test("one that waits for its turn is certain for all who ask until it is sent", async () => {
  const { ask, sent } = requests(1);
  const other = ask("other", true);
  await settled();
  const first = ask("a", true);
  await settled();
  const second = ask("a", true);
  expect(sent.map(({ question }) => question)).toEqual(["other"]);
  sent[0]?.answer();
  await other;
  await settled();
  sent[1]?.answer();
  expect([await first, await second]).toEqual(["answer 1", "answer 1"]);
  expect(sent).toHaveLength(2);
});

test("a failure is told to those who share it, and the next question is asked anew", async () => {
  const { ask, sent } = requests();
  const first = ask("a", false);
  await settled();
  const shared = ask("a", false);
  const next = ask("a", true);
  sent[0]?.fail();
  const results = await Promise.allSettled([first, shared]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await settled();
  sent[1]?.answer();
  expect(await next).toBe("answer 1");
});

test("different questions do not wait for each other, but for their places", async () => {
  const { ask, sent } = requests(2);
  const all = ["a", "b", "c"].map((question) => ask(question, false));
  await settled();
  expect(sent).toHaveLength(2);
  sent[0]?.answer();
  await settled();
  expect(sent).toHaveLength(3);
  sent[1]?.answer();
  sent[2]?.answer();
  expect(await Promise.all(all)).toEqual(["answer 0", "answer 1", "answer 2"]);
});
