/** What the API server counts of its calls of webhooks. */
import type { Api } from "../../scripts/control_plane/api.ts";

const PREFIX = "apiserver_admission_webhook_";

/**
 * Every series of `apiserver_admission_webhook_*` about a webhook of this name, by metric and labels: calls, durations, refusals
 * and calls that failed. Equal before and after, it was not called.
 */
export async function webhookSeries(api: Api, webhook: string): Promise<Readonly<Record<string, string>>> {
  const response = await api.raw("GET", "/metrics");
  const text = await response.text();
  if (!response.ok) throw new Error(`read the API server's metrics: ${response.status} ${text.slice(0, 200)}`);
  const series: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (!line.startsWith(PREFIX) || !line.includes(`name="${webhook}"`)) continue;
    const space = line.lastIndexOf(" ");
    series[line.slice(PREFIX.length, space)] = line.slice(space + 1);
  }
  return series;
}

/** How often the API server called a webhook of this name. */
export function webhookCalls(api: Api, webhook: string): Promise<number> {
  return sumOf(api, webhook, "admission_duration_seconds_count");
}

/** How often the call ended in a refusal, or failed where a failure refuses. */
export function webhookRejections(api: Api, webhook: string): Promise<number> {
  return sumOf(api, webhook, "rejection_count");
}

async function sumOf(api: Api, webhook: string, metric: string): Promise<number> {
  return Object.entries(await webhookSeries(api, webhook))
    .filter(([name]) => name.startsWith(`${metric}{`))
    .reduce((sum, [, value]) => sum + Number(value), 0);
}
