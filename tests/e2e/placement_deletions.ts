/** Machines that die at random, with all that runs on them, and come back later. */
import { asString, at } from "../../src/base/json.ts";
import type { Random } from "../../src/base/random.ts";
import { nameOf } from "./cluster.ts";
import { isLeader, type Zones } from "./placement_zones.ts";
import { below } from "./seeded.ts";

/** At most so many Nodes are away at once; one comes back after at most so many further deletions. */
const MOST_AWAY = 3;
/** How often it is the machine of a leader. */
const LEADER_SHARE = 0.3;
const LONGEST_PAUSE_MS = 2_500;

/** Deletes Nodes one after another; at its end all of them are back. */
export async function deleteNodes(zones: Zones, random: Random, count: number): Promise<void> {
  const away: { readonly name: string; readonly comeBack: () => Promise<void> }[] = [];
  for (let round = 0; round < count; round++) {
    const gone = new Set(away.map(({ name }) => name));
    const victim = await choose(zones, random, gone);
    const comeBack = await zones.remove(victim);
    await killPodsOf(zones, victim);
    away.push({ name: victim, comeBack });
    const returning = away.length > MOST_AWAY || random.next() < 0.5 ? away.shift() : undefined;
    await pause(zones, random.next() * LONGEST_PAUSE_MS);
    await returning?.comeBack();
  }
  for (const { comeBack } of away) await comeBack();
}

async function choose({ cluster, names }: Zones, random: Random, gone: ReadonlySet<string>): Promise<string> {
  const alive = names.filter((name) => !gone.has(name));
  const pods = (await cluster.list("pods")).filter(isLeader);
  const withLeader = [...new Set(pods.map((pod) => asString(at(pod, "spec", "nodeName")) ?? ""))].toSorted()
    .filter((name) => alive.includes(name));
  const from = withLeader.length > 0 && random.next() < LEADER_SHARE ? withLeader : alive;
  return from[below(random, from.length)] ?? "";
}

/** What the Pod garbage collector does of a Node that is gone, but at once. */
async function killPodsOf({ cluster }: Zones, node: string): Promise<void> {
  const lost = await cluster.list("pods", `fieldSelector=spec.nodeName%3D${node}`);
  const kill = (name: string) => cluster.api.request("DELETE", cluster.path("pods", name), { gracePeriodSeconds: 0 });
  await Promise.all(lost.map((pod) => kill(nameOf(pod))));
}

async function pause({ cluster }: Zones, ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  await cluster.eventually("the pause to be over", () => Promise.resolve(performance.now() >= endMs));
}
