import { X509Certificate } from "node:crypto";
import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { SelfSignedCertificate } from "./self_signed_certificate.ts";

test("a self-signed certificate is made once, told, and good for years", async () => {
  const clock = new FakeClock();
  const source = new SelfSignedCertificate({ clock });
  const told: unknown[] = [];
  source.onChange((certificate) => told.push(certificate));
  expect(source.current).toBeUndefined();
  expect(source.problem).toBeDefined();
  await source.run(new AbortController().signal);
  expect(source.problem).toBeUndefined();
  expect(told).toEqual([source.current]);
  const certificate = new X509Certificate(source.current?.certPem ?? "");
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(Date.parse(certificate.validTo)).toBeGreaterThan(clock.now() + 9 * 365 * 24 * 3_600_000);
});

test("one that comes after the end is nobody's", async () => {
  const source = new SelfSignedCertificate({ clock: new FakeClock() });
  await source.run(AbortSignal.abort());
  expect(source.current).toBeUndefined();
});
