/** A child process that is a script of ours and talks in lines of JSON. */
export class LineProcess {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;

  constructor(script: string) {
    this.#process = Bun.spawn([process.execPath, script], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#lines = linesOf(this.#process.stdout);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Its next line. Its author is our own script, so that the shape is known. */
  async read<Answer>(): Promise<Answer> {
    const line = await this.#lines.next();
    if (line.done) throw new Error("read from a process of the bench: it ended");
    return JSON.parse(line.value) as Answer;
  }

  async ask<Answer>(order: unknown): Promise<Answer> {
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    await this.#process.stdin.flush();
    return await this.read();
  }

  /** Ends with its input. */
  async stop(): Promise<void> {
    await this.#process.stdin.end();
    await this.#process.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
