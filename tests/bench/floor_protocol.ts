/** What the bench and its floor process say to each other. */
export interface FloorSettings {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
  /** `/apis/batch/v1/namespaces/NAME/jobs` */
  readonly jobsPath: string;
}

export type FloorOrder =
  | { readonly kind: "settings"; readonly settings: FloorSettings }
  /** A JSON array of Job bodies. */
  | { readonly kind: "create"; readonly bodiesFile: string }
  | { readonly kind: "restart"; readonly bodiesFile: string; readonly labelSelector: string };

/** As many requests at once as the controller allows itself per JobSet (spec 3.2). */
export const IN_FLIGHT = 50;
