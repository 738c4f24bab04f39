/** The parts of the install manifest as the executable carries them. Only Bun reads such imports. */
import certManager from "../../manifests/cert_manager.yaml" with { type: "text" };
import configMap from "../../manifests/config_map.yaml" with { type: "text" };
import managerConfig from "../../manifests/controller_manager_config.yaml" with { type: "text" };
import deployment from "../../manifests/deployment.yaml" with { type: "text" };
import namespace from "../../manifests/namespace.yaml" with { type: "text" };
import prometheus from "../../manifests/prometheus.yaml" with { type: "text" };
import rbac from "../../manifests/rbac.yaml" with { type: "text" };
import rbacCertificates from "../../manifests/rbac_certificates.yaml" with { type: "text" };
import rbacMetrics from "../../manifests/rbac_metrics.yaml" with { type: "text" };
import rbacUsers from "../../manifests/rbac_users.yaml" with { type: "text" };
import rbacWebhookRules from "../../manifests/rbac_webhook_rules.yaml" with { type: "text" };
import secret from "../../manifests/secret.yaml" with { type: "text" };
import services from "../../manifests/services.yaml" with { type: "text" };
import webhooks from "../../manifests/webhooks.yaml" with { type: "text" };

/** The YAML text of each file of manifests/. */
export const PARTS = {
  certManager,
  configMap,
  managerConfig,
  deployment,
  namespace,
  prometheus,
  rbac,
  rbacCertificates,
  rbacMetrics,
  rbacUsers,
  rbacWebhookRules,
  secret,
  services,
  webhooks,
} as const;

export type Part = keyof typeof PARTS;
