import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { AccessCheck } from "./access_check.ts";
import { testReviews } from "./test_reviews.ts";

function start() {
  const clock = new FakeClock();
  const reviews = testReviews();
  const access = new AccessCheck({ client: reviews, clock });
  const check = (authorization: string | null) => access.check({ authorization, path: "/metrics", verb: "get" });
  return { clock, reviews, check };
}

test("whoever may is let in, and the API server is asked in its own words", async () => {
  const { reviews, check } = start();
  expect(await check("Bearer good")).toEqual({ kind: "allowed" });
  expect(reviews.requests).toEqual([
    { path: "/apis/authentication.k8s.io/v1/tokenreviews", spec: { token: "good" } },
    {
      path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
      spec: {
        user: "prometheus",
        uid: "1",
        groups: ["monitoring"],
        extra: { scope: ["all"] },
        nonResourceAttributes: { path: "/metrics", verb: "get" },
      },
    },
  ]);
});

test("without a bearer token nobody is asked", async () => {
  const { reviews, check } = start();
  for (const header of [null, "", "Bearer", "Bearer ", "Basic good", "good", "Bearer two words"]) {
    expect(await check(header)).toEqual({ kind: "unauthenticated" });
  }
  expect(reviews.requests).toEqual([]);
});

test("an unknown token is nobody's, a known one may still be refused", async () => {
  const { check } = start();
  expect(await check("Bearer bad")).toEqual({ kind: "unauthenticated" });
  expect(await check("bearer stranger")).toEqual({ kind: "forbidden", user: "stranger" });
});

test("a token is believed for a minute, permission for five", async () => {
  const { clock, reviews, check } = start();
  await check("Bearer good");
  clock.advance(59_999);
  await check("Bearer good");
  expect(reviews.counts).toEqual({ tokens: 1, accesses: 1 });
  clock.advance(1);
  await check("Bearer good");
  expect(reviews.counts).toEqual({ tokens: 2, accesses: 1 });
  clock.advance(239_999);
  await check("Bearer good");
  expect(reviews.counts).toEqual({ tokens: 3, accesses: 1 });
  clock.advance(1);
  await check("Bearer good");
  expect(reviews.counts).toEqual({ tokens: 3, accesses: 2 });
});

test("a refusal is believed for half a minute, an invalid token for a minute", async () => {
  const { clock, reviews, check } = start();
  await check("Bearer stranger");
  await check("Bearer bad");
  clock.advance(29_999);
  await check("Bearer stranger");
  await check("Bearer bad");
  expect(reviews.counts).toEqual({ tokens: 2, accesses: 1 });
  reviews.allowed.add("stranger");
  clock.advance(1);
  expect(await check("Bearer stranger")).toEqual({ kind: "allowed" });
  await check("Bearer bad");
  expect(reviews.counts).toEqual({ tokens: 2, accesses: 2 });
  clock.advance(30_000);
  await check("Bearer bad");
  expect(reviews.counts).toEqual({ tokens: 3, accesses: 2 });
});

test("a token that is withdrawn lets in for a minute at most, whatever is still permitted", async () => {
  const { clock, reviews, check } = start();
  expect(await check("Bearer good")).toEqual({ kind: "allowed" });
  reviews.users.delete("good");
  clock.advance(60_000);
  expect(await check("Bearer good")).toEqual({ kind: "unauthenticated" });
});

test("a user whose groups change is asked for anew", async () => {
  const { clock, reviews, check } = start();
  await check("Bearer good");
  reviews.users.set("good", { username: "prometheus", uid: "1", groups: [] });
  clock.advance(60_000);
  await check("Bearer good");
  expect(reviews.counts).toEqual({ tokens: 2, accesses: 2 });
});

test("where the API server does not answer nobody is let in, and it is asked again", async () => {
  const { reviews, check } = start();
  reviews.failure = new Error("POST tokenreviews: connection refused");
  expect(await check("Bearer good")).toEqual({ kind: "unknown", problem: "POST tokenreviews: connection refused" });
  reviews.failure = undefined;
  expect(await check("Bearer good")).toEqual({ kind: "allowed" });
});
