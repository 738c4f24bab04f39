import type { JsonObject } from "../../src/base/json.ts";

/** A JobTemplateSpec of one container, with what a case adds. */
function template(container: JsonObject, pod: JsonObject = {}, job: JsonObject = {}): JsonObject {
  return { spec: { ...job, template: { spec: { containers: [{ name: "main", ...container }], ...pod } } } };
}

/** JobTemplateSpecs that the API server takes and that Go clients write back otherwise than they are stored. */
export const ODD_TEMPLATES: Readonly<Record<string, JsonObject>> = {
  "quantities in every notation": template({
    resources: {
      limits: { cpu: "1000m", memory: 1073741824, "example.com/a": "1e3", "example.com/b": "0" },
      requests: {
        cpu: "0.5",
        memory: "1.50Gi",
        "ephemeral-storage": "1024Mi",
        "example.com/a": "+1k",
        "example.com/c": "1E3",
      },
    },
  }, {
    overhead: { cpu: "0.250", memory: "1048576Ki" },
    resources: { limits: { cpu: "2000m" } },
    volumes: [
      { name: "a", emptyDir: { sizeLimit: "2048Mi", medium: "" } },
      { name: "b", emptyDir: { sizeLimit: 0 } },
      { name: "c", emptyDir: {} },
      {
        name: "d",
        ephemeral: {
          volumeClaimTemplate: {
            metadata: {},
            spec: { storageClassName: "", accessModes: [], resources: { requests: { storage: "1000Mi" }, limits: {} } },
          },
        },
      },
    ],
  }),
  "divisors, given or not": template({
    env: [
      { name: "A", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      { name: "B", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1000m" } } },
      { name: "C", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: 0, containerName: "" } } },
      { name: "D", value: "" },
    ],
  }, {
    volumes: [{
      name: "a",
      downwardAPI: { items: [{ path: "cpu", mode: 0, resourceFieldRef: { resource: "limits.cpu" } }] },
    }],
  }),
  "flags that are off": template({
    tty: false,
    stdin: false,
    stdinOnce: false,
    ports: [{ containerPort: 80, hostPort: 0, hostIP: "", name: "" }],
    volumeMounts: [{ name: "a", mountPath: "/a", readOnly: false, subPath: "" }],
    securityContext: {
      privileged: false,
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      capabilities: { add: [], drop: [] },
    },
  }, {
    hostNetwork: false,
    hostPID: false,
    hostIPC: false,
    shareProcessNamespace: false,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    hostUsers: false,
    setHostnameAsFQDN: false,
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsUser: 0, runAsNonRoot: false, supplementalGroups: [], sysctls: [] },
    volumes: [
      { name: "a", persistentVolumeClaim: { claimName: "c", readOnly: false } },
      { name: "b", configMap: { name: "", optional: false, defaultMode: 0, items: [] } },
      { name: "c", hostPath: { path: "/x", type: "" } },
      { name: "d", projected: { sources: [], defaultMode: 0 } },
      { name: "e", csi: { driver: "d", readOnly: false, fsType: "", volumeAttributes: {} } },
    ],
  }, {
    suspend: false,
    backoffLimit: 0,
    parallelism: 0,
    completions: 0,
    ttlSecondsAfterFinished: 0,
    manualSelector: false,
    activeDeadlineSeconds: 9007199254740991,
  }),
  "probes and hooks of nothing": template({
    livenessProbe: {
      httpGet: { port: 80, path: "", host: "", scheme: "", httpHeaders: [] },
      initialDelaySeconds: 0,
      periodSeconds: 0,
      timeoutSeconds: 0,
      successThreshold: 0,
      failureThreshold: 0,
      terminationGracePeriodSeconds: 0,
    },
    readinessProbe: { tcpSocket: { port: "http", host: "" } },
    startupProbe: { exec: { command: [] }, grpc: { port: 0 } },
    lifecycle: { preStop: { sleep: { seconds: 0 } }, postStart: {} },
    resources: {},
    envFrom: [{ prefix: "", configMapRef: { optional: false } }],
    args: [],
    workingDir: "",
    imagePullPolicy: "",
    terminationMessagePath: "",
  }),
  "selectors of everything and of nothing": template({}, {
    nodeSelector: {},
    tolerations: [{ key: "", operator: "Exists", tolerationSeconds: 0 }],
    schedulingGates: [],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [], matchFields: [] }],
        },
        preferredDuringSchedulingIgnoredDuringExecution: [],
      },
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: "a", labelSelector: {}, namespaceSelector: {}, namespaces: [] },
          { topologyKey: "b", labelSelector: { matchLabels: {}, matchExpressions: [] } },
        ],
      },
      podAntiAffinity: {},
    },
    topologySpreadConstraints: [
      { maxSkew: 0, topologyKey: "", whenUnsatisfiable: "", labelSelector: {}, matchLabelKeys: [] },
    ],
    dnsConfig: { nameservers: [], options: [{ name: "ndots", value: "" }] },
    hostAliases: [{ ip: "10.0.0.1", hostnames: [] }],
    imagePullSecrets: [{}],
    os: { name: "" },
    initContainers: [],
    nodeName: "",
    priorityClassName: "",
  }, {
    selector: {},
    podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "" }] }] },
    successPolicy: { rules: [{ succeededIndexes: "", succeededCount: 0 }] },
  }),
  "metadata of nothing, and texts that Go escapes": {
    metadata: { name: "", namespace: "", labels: {}, annotations: { a: "<b> & \u2028 é \u{1F600}" }, finalizers: [] },
    spec: {
      template: {
        metadata: { labels: { empty: "" }, annotations: {} },
        spec: { containers: [{ name: "main", command: ["sh", "-c", "a <b && c >d"], resources: { claims: [] } }] },
      },
    },
  },
};
