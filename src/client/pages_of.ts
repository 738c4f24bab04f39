import { asString, at } from "../base/json.ts";

/** The pages of a list, one after the other, all or `maxPages` at most; `ask` is given what the page before ended with. */
export async function* pagesOf(
  ask: (token: string | undefined) => Promise<unknown>,
  maxPages = Infinity,
): AsyncGenerator<unknown, void, undefined> {
  let token: string | undefined;
  for (let pages = 0; pages < maxPages && token !== ""; pages++) {
    const page = await ask(token);
    yield page;
    token = asString(at(page, "metadata", "continue")) ?? "";
  }
}
