import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../base/fake_clock.ts";
import { makeTestCertificate, type TestCertificate } from "../client/test_certificates.ts";
import { FileCertificates } from "./file_certificates.ts";

const LOOK_MS = 2000;

let dir = "";
let clock = new FakeClock();
let errors: string[] = [];
let reads: boolean[] = [];
let served: string[] = [];
let source: FileCertificates;
let ended: AbortController;
let running: Promise<void>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "file-certificates-"));
  clock = new FakeClock();
  [errors, reads, served] = [[], [], []];
  source = new FileCertificates({
    dir,
    clock,
    log: { info: () => {}, error: (message, fields) => void errors.push(`${message} ${fields?.["error"]}`) },
    onRead: (isGood) => void reads.push(isGood),
  });
  source.onChange(({ certPem }) => void served.push(certPem));
  ended = new AbortController();
});

afterEach(async () => {
  ended.abort();
  await running;
  rmSync(dir, { recursive: true });
});

const one = makeTestCertificate({ commonName: "one" });
const two = makeTestCertificate({ commonName: "two" });

function write(certificate: TestCertificate, parts: readonly ("certPem" | "keyPem")[] = ["certPem", "keyPem"]): void {
  if (parts.includes("certPem")) writeFileSync(join(dir, "tls.crt"), certificate.certPem);
  if (parts.includes("keyPem")) writeFileSync(join(dir, "tls.key"), certificate.keyPem);
}

/** As the kubelet does: the files are links into `..data`, a link to a folder that is replaced in one step. */
function mount(certificate: TestCertificate, version: string): void {
  mkdirSync(join(dir, version));
  writeFileSync(join(dir, version, "tls.crt"), certificate.certPem);
  writeFileSync(join(dir, version, "tls.key"), certificate.keyPem);
  symlinkSync(version, join(dir, "..new"));
  renameSync(join(dir, "..new"), join(dir, "..data"));
}

/** The next look at the files, and its end: the timer that it sets. */
async function look(): Promise<void> {
  clock.advance(LOOK_MS);
  await looked();
}

async function looked(): Promise<void> {
  const deadline = performance.now() + 5000;
  while (clock.timerCount === 0) {
    if (performance.now() > deadline) throw new Error("the files are never looked at");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function start(): Promise<void> {
  running = source.run(ended.signal);
  await looked();
}

test("files that are there are served at once, and read again only as they change", async () => {
  write(one);
  expect(source.problem).toContain("is not read yet");
  await start();
  expect(source.current).toEqual({ certPem: one.certPem, keyPem: one.keyPem });
  expect(source.problem).toBeUndefined();
  await look();
  expect(reads).toEqual([true]);
  write(two);
  await look();
  expect(served).toEqual([one.certPem, two.certPem]);
  expect(reads).toEqual([true, true]);
});

test("files that are not there yet are waited for, and named", async () => {
  await start();
  expect(source.current).toBeUndefined();
  expect(source.problem).toBe(`certificates: read "${join(dir, "tls.crt")}": no such file`);
  await look();
  expect(errors).toHaveLength(1);
  write(one);
  await look();
  expect(served).toEqual([one.certPem]);
});

test("a file that is written halfway is not served", async () => {
  write({ ...one, certPem: `${one.certPem}-----BEGIN CERTIFICATE-----\n` });
  await start();
  expect(source.current).toBeUndefined();
  expect(source.problem).toStartWith(`certificates: read "${join(dir, "tls.crt")}": it can't be served: `);
  write(one);
  await look();
  expect(served).toEqual([one.certPem]);
});

test("a mounted Secret that Kubernetes swaps is read through its links", async () => {
  mount(one, "..v1");
  for (const file of ["tls.crt", "tls.key"]) symlinkSync(join("..data", file), join(dir, file));
  await start();
  mount(two, "..v2");
  await look();
  expect(served).toEqual([one.certPem, two.certPem]);
});

test.each([
  ["a key that is not there yet", () => write(two, ["certPem"]), "does not belong to"],
  ["half a certificate", () => writeFileSync(join(dir, "tls.crt"), two.certPem.slice(0, 100)), "no PEM certificate"],
  ["a missing file", () => rmSync(join(dir, "tls.key")), "no such file"],
])("%s keeps the pair before, says so once, and is tried again", async (_, spoil, why) => {
  write(one);
  await start();
  spoil();
  await look();
  await look();
  expect(source.current?.certPem).toBe(one.certPem);
  expect(source.problem).toBeUndefined();
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain("the former certificate is kept");
  expect(errors[0]).toContain(why);
  write(two);
  await look();
  expect(served).toEqual([one.certPem, two.certPem]);
});

test("stops with its signal, and leaves no timer", async () => {
  write(one);
  await start();
  ended.abort();
  await running;
  expect(clock.timerCount).toBe(0);
});
