/**
 * Loaded by setup.mjs before a script: ends it when the process that started it is gone. `kill -9` of npm or Node would otherwise
 * leave the script running, and all that it started with it.
 */
import process from "node:process";

const EVERY_MS = 500;

const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
}, EVERY_MS).unref();
