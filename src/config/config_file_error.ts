/** A configuration file can't be used: one line for each mistake, with file, line, column and field. */
export class ConfigFileError extends Error {
  override readonly name = "ConfigFileError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}
