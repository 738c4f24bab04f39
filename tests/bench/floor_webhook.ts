/**
 * The least that a mutating webhook can do: it pins every Pod to the same domain without reading more than the request's uid. What
 * it costs the API server to ask anyone at all, no webhook can be cheaper. Arguments: certificate, key, port, topology key, domain.
 */
import { readFileSync } from "node:fs";

const [certFile = "", keyFile = "", port = "", key = "", domain = ""] = process.argv.slice(2);
const patch = btoa(JSON.stringify([{ op: "add", path: "/spec/nodeSelector", value: { [key]: domain } }]));
const UID = '"uid":"';
const UID_LENGTH = 36;

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  idleTimeout: 120,
  tls: { cert: readFileSync(certFile), key: readFileSync(keyFile) },
  async fetch(request) {
    const text = await request.text();
    const from = text.indexOf(UID) + UID.length;
    const uid = text.slice(from, from + UID_LENGTH);
    const answer = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":` +
      `{"uid":"${uid}","allowed":true,"patchType":"JSONPatch","patch":"${patch}"}}`;
    return new Response(answer, { headers: { "content-type": "application/json" } });
  },
});
