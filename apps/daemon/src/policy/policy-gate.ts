import { errorAttributes, type Logger } from '@deskhand/base';
import type { PanelAsk } from '@deskhand/protocol';
import type { AuditLog } from '../audit/audit-log.ts';
import type { SavedPaths } from '../files/saved-paths.ts';
import { Consent, type ConsentAnswer, type ConsentQuestion, lastingRule } from './consent.ts';
import { decide, decideOrigin, type PolicyDecision, type PolicyQuestion } from './policy.ts';
import type { PolicyReader } from './policy-file.ts';

export type PolicyGateOptions = Readonly<{
  policy: PolicyReader;
  workFolder: string;
  savedPaths: SavedPaths;
  /** The control plane runs on this computer. */
  serverIsLocal: boolean;
  /** Who started the run in progress and how long it has been running; `ranMs` is null without one. */
  run: () => Readonly<{ starter: string; ranMs: number | null }>;
  /** A question is open now, or none any more. */
  onAsking: () => void;
  audit: Pick<AuditLog, 'append'>;
  log: Logger;
}>;

/** What this desktop's policy says of an action and of the run it belongs to, with what the person has answered so far. */
export class PolicyGate {
  readonly #options: PolicyGateOptions;
  readonly #consent: Consent;

  constructor(options: PolicyGateOptions) {
    this.#options = options;
    this.#consent = new Consent(options.onAsking);
  }

  /** What the person is asked now. */
  get ask(): PanelAsk | null {
    return this.#consent.ask;
  }

  /** A new run begins with nothing granted. */
  forget(): void {
    this.#consent.forget();
  }

  decide(question: PolicyQuestion): PolicyDecision {
    const { policy, workFolder, savedPaths } = this.#options;
    return this.#withGrant(question, decide(policy.current, question, { workFolder, savedPaths }));
  }

  /** Whether the run in progress may act here. */
  decideOrigin(): { question: ConsentQuestion; decision: PolicyDecision } {
    const { policy, serverIsLocal, run } = this.#options;
    const { starter, ranMs } = run();
    const question = { operation: { type: 'wait', ms: 0 } as const, window: null, starter };
    const decision = decideOrigin(policy.current, { serverIsLocal, starter, now: new Date(), ranMs });
    return { question, decision: this.#withGrant(question, decision) };
  }

  /** @returns whether the person said yes. @throws the signal's reason when it aborts: a stop takes the card away. */
  async askPerson(
    question: ConsentQuestion,
    decision: PolicyDecision,
    options: { ceilingMs: number; signal: AbortSignal },
  ): Promise<boolean> {
    const { audit, policy, log } = this.#options;
    const answer = await this.#consent.request(question, decision, options);
    audit.append({ kind: 'person', what: `answered ${answer}: ${decision.rule}` });
    if (answer === 'deny' || answer === 'timeout') return false;
    // A run that may act once would have to ask for each of its steps.
    if (answer !== 'once' || decision.rule.startsWith('runs:')) this.#consent.grant(question, decision);
    const lasting = answer === 'always' ? lastingRule(question, decision) : null;
    if (lasting !== null) {
      try {
        policy.change(lasting);
      } catch (error) {
        log.error('the policy could not be changed; the answer holds for this run', errorAttributes(error));
      }
    }
    return true;
  }

  /** @throws ProtocolError INVALID_STATE when that is not what is asked now, or not as it was shown. */
  answer(answer: ConsentAnswer, requestId: string | undefined, digest: string | undefined): void {
    this.#consent.answer(answer, requestId, digest);
  }

  #withGrant(question: ConsentQuestion, decision: PolicyDecision): PolicyDecision {
    const granted = decision.verdict === 'ask' && this.#consent.granted(question, decision);
    return granted ? { ...decision, verdict: 'allow' } : decision;
  }
}
