/**
 * Makes a fresh machine ready and runs a script with the pinned Bun. It is plain Node, because Node 20 runs no TypeScript.
 *
 *   node scripts/setup.mjs                  Bun and the dependencies are there afterwards
 *   node scripts/setup.mjs run FILE ARGS…   the same, then runs FILE; signals and the exit code go through
 *
 * Bun comes from its npm package into the user's cache folder. npm runs no install scripts for it: the executable lies ready in
 * the package of the platform (@oven/bun-linux-x64 and so on). `bun.lock` is the only lock file.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { constants, homedir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LOWEST_NODE = 20;
/** Without its install script `bun` holds a text in place of the executable. */
const SMALLEST_BUN = 1_000_000;
const LOOK_AT_NPM_MS = 500;
const LEFTOVER_MS = 60 * 60 * 1000;
const TELL_EVERY_MS = 5000;
const NO_NETWORK =
  /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|ConnectionRefused|FailedToOpenSocket|Timeout/;

class SetupError extends Error {}

const [command, ...args] = process.argv.slice(2);
try {
  checkNode();
  const bun = await findBun();
  await installDependencies(bun);
  if (command === undefined) say("ready");
  else if (command === "run" && args.length > 0) run(bun, args);
  else throw new SetupError(`read the command line: "${command}" is not: run FILE ARGS…`);
} catch (error) {
  // A system error, such as a folder that cannot be written, names its path itself.
  if (!(error instanceof SetupError) && error.syscall === undefined) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < LOWEST_NODE) {
    throw new SetupError(`Node ${process.versions.node} is too old: install Node ${LOWEST_NODE} or newer`);
  }
}

/** The pinned Bun: of this checkout, of the cache folder, or installed into it now. */
async function findBun() {
  const version = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).devDependencies.bun;
  const folder = join(cacheFolder(), `bun-${version}`);
  const found = bunIn(join(folder, "node_modules"), version) ?? bunIn(join(ROOT, "node_modules"), version);
  if (found !== undefined) return found;
  say(`installing Bun ${version} (100 MB) into ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  removeLeftovers(folder);
  const partial = mkdtempSync(`${folder}.partial-`);
  try {
    await npmInstall(`bun@${version}`, partial);
    if (bunIn(join(partial, "node_modules"), version) === undefined) {
      throw new SetupError(
        `install Bun ${version}: its npm package has no executable for ${process.platform} on ${process.arch}`,
      );
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return bunIn(join(folder, "node_modules"), version);
}

/** What a set-up that was killed left behind; one that began within the last hour may still be at work. */
function removeLeftovers(folder) {
  for (const name of readdirSync(dirname(folder))) {
    const path = join(dirname(folder), name);
    const isPartial = path.startsWith(`${folder}.partial-`);
    if (isPartial && Date.now() - statSync(path).mtimeMs > LEFTOVER_MS) rmSync(path, { recursive: true, force: true });
  }
}

function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME;
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "jobset-lite");
}

/**
 * The executable of this version in a node_modules folder: in the package of the platform, of several the one that runs; or in
 * the package `bun`, whose install script, where it was run, moves it there.
 */
function bunIn(modules, version) {
  const scope = join(modules, "@oven");
  const platforms = existsSync(scope) ? readdirSync(scope).map((name) => join(scope, name)) : [];
  const fileName = process.platform === "win32" ? "bun.exe" : "bun";
  const candidates = [
    ...platforms.filter((folder) => versionOf(folder) === version).map((folder) => join(folder, "bin", fileName)),
    ...(versionOf(join(modules, "bun")) === version ? [join(modules, "bun", "bin", "bun.exe")] : []),
  ].filter((path) => existsSync(path) && statSync(path).size > SMALLEST_BUN);
  if (candidates.length <= 1) return candidates[0];
  return candidates.find((path) => spawnSync(path, ["--version"]).status === 0);
}

function versionOf(folder) {
  const manifest = join(folder, "package.json");
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : undefined;
}

async function npmInstall(name, folder) {
  const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder];
  // Started by npm, we take the same npm again: it may not be on PATH.
  const cli = process.env.npm_execpath ?? "";
  const [file, first] = /npm-cli\.c?js$/.test(cli) ? [process.execPath, [cli]] : ["npm", []];
  const result = await runQuietly(file, [...first, "install", ...flags, name], folder);
  if (result.isMissing) throw new SetupError(`install ${name}: npm is not on PATH; install it with Node`);
  explain(`install ${name} with npm`, result);
}

/** Runs `bun install` where node_modules was not made from this bun.lock. */
async function installDependencies(bun) {
  const lock = createHash("sha256").update(readFileSync(join(ROOT, "bun.lock"))).digest("hex");
  const stamp = join(ROOT, "node_modules", ".jobset-lite-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("installing the dependencies of bun.lock");
  explain("install the dependencies", await runQuietly(bun, ["install", "--frozen-lockfile"], ROOT));
  writeFileSync(stamp, lock);
}

/** Runs a program, keeps its output for an error message, and says now and then that it still runs. */
function runQuietly(file, args, cwd) {
  const startedAt = Date.now();
  const timer = setInterval(
    () => say(`  still at it after ${Math.round((Date.now() - startedAt) / 1000)} s`),
    TELL_EVERY_MS,
  );
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => output += text);
    const end = (code, isMissing) => {
      clearInterval(timer);
      resolve({ code, output, isMissing });
    };
    child.once("error", (error) => end(1, error.code === "ENOENT"));
    child.once("close", (code) => end(code ?? 1, false));
  });
}

function explain(action, result) {
  if (result.code === 0) return;
  const lines = result.output.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const line = lines.find((text) => /error/i.test(text)) ?? lines.at(-1) ?? `exit code ${result.code}`;
  const hint = NO_NETWORK.test(result.output) ? "no network: is the npm registry reachable? " : "";
  throw new SetupError(`${action}: ${hint}${line}`);
}

/** Runs the script in our place. On a terminal Ctrl-C reaches it without us. */
function run(bun, args) {
  const child = spawn(bun, ["--preload", join(ROOT, "scripts", "exit_with_parent.ts"), ...args], { stdio: "inherit" });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  endWithNpm(() => child.kill("SIGTERM"));
  child.once("error", (error) => {
    console.error(`setup: start ${bun}: ${error.message}`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** npm starts us through a shell, which outlives an npm that was killed; so we look for npm itself. Linux only. */
function endWithNpm(end) {
  const npm = [process.ppid, parentOf(process.ppid)].find((pid) =>
    pid !== undefined && commandOf(pid).startsWith("npm ")
  );
  if (npm === undefined) return;
  setInterval(() => {
    if (!existsSync(`/proc/${npm}`)) end();
  }, LOOK_AT_NPM_MS).unref();
}

function parentOf(pid) {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return undefined;
  return Number(readFileSync(stat, "utf8").replace(/^.*\) \S+ /s, "").split(" ")[0]);
}

function commandOf(pid) {
  const comm = `/proc/${pid}/comm`;
  return existsSync(comm) ? readFileSync(comm, "utf8") : "";
}

function say(line) {
  console.error(`setup: ${line}`);
}
