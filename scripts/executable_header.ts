/** What a file says that it is an executable for: `linux-x64`, `darwin-arm64` and so on; undefined for anything else. */
export function executableHeader(head: Uint8Array): string | undefined {
  if (head.length < 20) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0, false) === ELF) return named("linux", ELF_MACHINES[view.getUint16(18, true)]);
  if (view.getUint32(0, true) === MACH_O_64) return named("darwin", MACH_O_CPUS[view.getUint32(4, true)]);
  return undefined;
}

/** `\x7fELF` */
const ELF = 0x7f454c46;
const MACH_O_64 = 0xfeedfacf;
const ELF_MACHINES: Readonly<Record<number, string>> = { 0x3e: "x64", 0xb7: "arm64" };
const MACH_O_CPUS: Readonly<Record<number, string>> = { 0x01000007: "x64", 0x0100000c: "arm64" };

function named(system: string, machine: string | undefined): string | undefined {
  return machine === undefined ? undefined : `${system}-${machine}`;
}
