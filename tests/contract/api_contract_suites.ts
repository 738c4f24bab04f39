import type { Contract } from "./api_contract.ts";
import { deletionContract } from "./api_contract_deletion.ts";
import { jobSetsContract } from "./api_contract_job_sets.ts";
import { jobStatusContract } from "./api_contract_job_status.ts";
import { jobsContract } from "./api_contract_jobs.ts";
import { readsContract } from "./api_contract_reads.ts";
import { writesContract } from "./api_contract_writes.ts";

/** All that an API server promises us. */
export const API_CONTRACT: readonly ((contract: Contract) => void)[] = [
  writesContract,
  jobsContract,
  jobStatusContract,
  jobSetsContract,
  deletionContract,
  readsContract,
];
