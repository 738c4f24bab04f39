/** The rules of a new JobSet's coordinator (spec 2.2: 9). */
import { COORDINATOR } from "../api/keys.ts";
import { childJobName } from "../api/names.ts";
import { asObject, asString, type JsonObject } from "../base/json.ts";
import { type FieldError, invalid } from "./field_error.ts";
import { labelValueProblems } from "./name_rules.ts";
import { asWholeNumber, type NewJobSet, type NewReplicatedJob, orDefault } from "./new_job_set.ts";

const PATH = "spec.coordinator";

interface Place {
  readonly replicatedJob: string;
  readonly jobIndex: number | undefined;
  readonly podIndex: number | undefined;
}

/** The Pod that is to coordinate will exist, and its address fits into a label. */
export function* coordinatorErrors(jobSet: NewJobSet): Generator<FieldError> {
  const coordinator = asObject(jobSet.spec["coordinator"]);
  const place = coordinator === undefined ? undefined : readPlace(coordinator);
  if (place === undefined) return;
  const replicatedJob = jobSet.replicatedJobs.find(({ name }) => name === place.replicatedJob);
  if (replicatedJob === undefined) {
    const why = `coordinator replicatedJob ${place.replicatedJob} does not exist`;
    yield invalid(`${PATH}.replicatedJob`, place.replicatedJob, why);
    return;
  }
  yield* placeErrors(place, replicatedJob);
  yield* endpointErrors(jobSet, place);
}

function readPlace(coordinator: JsonObject): Place | undefined {
  const replicatedJob = orDefault(coordinator["replicatedJob"], asString, "");
  if (replicatedJob === undefined) return undefined;
  return {
    replicatedJob,
    jobIndex: orDefault(coordinator["jobIndex"], asWholeNumber, 0),
    podIndex: orDefault(coordinator["podIndex"], asWholeNumber, 0),
  };
}

function* placeErrors(place: Place, replicatedJob: NewReplicatedJob): Generator<FieldError> {
  const { replicatedJob: name, jobIndex, podIndex } = place;
  const { replicas, completionMode, completions } = replicatedJob;
  if (jobIndex !== undefined && replicas !== undefined && (jobIndex < 0 || jobIndex >= replicas)) {
    const why = `coordinator job index ${jobIndex} is invalid for replicatedJob ${name}`;
    yield invalid(`${PATH}.jobIndex`, jobIndex, why);
  }
  if (completionMode === undefined || completions === undefined) return;
  if (completionMode !== "Indexed" || completions === null) {
    const why = "job for coordinator pod must be indexed completion mode, and completions number must be set";
    yield invalid(`${PATH}.replicatedJob`, name, why);
  } else if (podIndex !== undefined && (podIndex < 0 || podIndex >= completions)) {
    const why = `coordinator pod index ${podIndex} is invalid for replicatedJob ${name} job index ${jobIndex ?? 0}`;
    yield invalid(`${PATH}.podIndex`, podIndex, why);
  }
}

function* endpointErrors(jobSet: NewJobSet, place: Place): Generator<FieldError> {
  const { replicatedJob, jobIndex, podIndex } = place;
  const { name, subdomain } = jobSet;
  if (name === undefined || subdomain === undefined || jobIndex === undefined || podIndex === undefined) return;
  const endpoint = `${childJobName(name, replicatedJob, jobIndex)}-${podIndex}.${subdomain}`;
  for (const problem of labelValueProblems(endpoint)) {
    const why = `spec will lead to invalid label value "${endpoint}" for coordinator label "${COORDINATOR}" ` +
      `(long JobSet / ReplicatedJob / SubDomain name?): ${problem}`;
    yield invalid(PATH, endpoint, why);
  }
}
