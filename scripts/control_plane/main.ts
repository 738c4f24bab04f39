/** `npm run control-plane`: a control plane with three Nodes to play on by hand, until Ctrl-C. */
import { parseArgs } from "node:util";
import { startControlPlane } from "../control_plane.ts";
import { startKubelet } from "../kubelet.ts";
import { VERSIONS } from "./versions.ts";

const USAGE = `npm run control-plane -- [--minor ${VERSIONS.map((v) => v.minor).join("|")}] [--nodes N]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { minor: { type: "string" }, nodes: { type: "string", default: "3" } },
  });
  const nodes = Number(values.nodes);
  if (!Number.isInteger(nodes) || nodes < 0) throw new Error(`read --nodes: "${values.nodes}" is no number\n${USAGE}`);
  const report = (line: string) => console.error(line);
  const controlPlane = await startControlPlane({
    report,
    ...(values.minor === undefined ? {} : { minor: values.minor }),
  });
  await startKubelet({ access: controlPlane.api.access, nodes, report });
  console.error(`kubectl is ${controlPlane.binaries.kubectl}; Ctrl-C ends it all`);
  console.log(`KUBECONFIG=${controlPlane.kubeconfigFile}`);
  const stop = () => void controlPlane.stop().then(() => process.exit(0));
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
