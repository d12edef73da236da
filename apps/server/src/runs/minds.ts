import type { Engine, OwnKey, Verifier } from '@deskhand/agent';

/** The minds a run can be given; one engine per run, since it holds the run's conversation. */
export interface Minds {
  engineFor(run: RunModel): Promise<Engine>;
  verifierFor(run: RunModel): Promise<Verifier>;
}

/** What a run says about its model: its name, or an endpoint and key of the caller's own. */
export type RunModel = Readonly<{ model: string | null; ownKey: OwnKey | null }>;
