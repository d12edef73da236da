import { createHash } from 'node:crypto';
import { inertLine, randomHex, sleep } from '@deskhand/base';
import { type Operation, originOf, type PanelAsk, ProtocolError, type WindowInfo } from '@deskhand/protocol';
import type { PolicyChange } from '@deskhand/protocol/policy-file';
import type { PolicyDecision, PolicyQuestion } from './policy.ts';

/** How far a yes reaches. */
export type ConsentScope = 'once' | 'run' | 'always';
export type ConsentAnswer = ConsentScope | 'deny' | 'timeout';

/** What is asked: an operation, or (with `starter`) whether that one's run may act here at all. */
export type ConsentQuestion = PolicyQuestion & Readonly<{ starter?: string }>;

type Card = Readonly<{ ask: PanelAsk; answer: (answer: ConsentAnswer) => void }>;

/**
 * Asks the person about what the policy leaves to them: one card at a time, with the facts of this desktop
 * and a digest over them, so that a yes is a yes to exactly what was shown. No answer is a no.
 */
export class Consent {
  readonly #onChanged: () => void;
  readonly #grants = new Set<string>();
  #card: Card | undefined;

  constructor(onChanged: () => void) {
    this.#onChanged = onChanged;
  }

  /** What the person is asked now. */
  get ask(): PanelAsk | null {
    return this.#card?.ask ?? null;
  }

  /** The person said yes to this rule and this subject for the whole run. */
  granted(question: ConsentQuestion, decision: PolicyDecision): boolean {
    return this.#grants.has(grantKey(question, decision));
  }

  grant(question: ConsentQuestion, decision: PolicyDecision): void {
    this.#grants.add(grantKey(question, decision));
  }

  /** A new run begins with nothing granted. */
  forget(): void {
    this.#grants.clear();
  }

  /** @throws the signal's reason when it aborts: a stop, a pause, a lost lease take the card away. */
  async request(
    question: ConsentQuestion,
    decision: PolicyDecision,
    { ceilingMs, signal }: { ceilingMs: number; signal: AbortSignal },
  ): Promise<ConsentAnswer> {
    if (this.#card !== undefined) throw new ProtocolError('INVALID_STATE', 'Another question is open.');
    signal.throwIfAborted();
    const answered = Promise.withResolvers<ConsentAnswer>();
    this.#card = { ask: cardFor(question, decision), answer: answered.resolve };
    this.#onChanged();
    const waiting = new AbortController();
    const ended = AbortSignal.any([signal, waiting.signal]);
    try {
      return await Promise.race([
        answered.promise,
        sleep(ceilingMs, { signal: ended }).then((): ConsentAnswer => 'timeout'),
      ]);
    } finally {
      waiting.abort();
      this.#card = undefined;
      this.#onChanged();
    }
  }

  /** @throws ProtocolError INVALID_STATE when that is not what is asked now, or not as it was shown. */
  answer(answer: ConsentAnswer, requestId: string | undefined, digest: string | undefined): void {
    const card = this.#card;
    if (card === undefined || requestId !== card.ask.requestId || digest !== card.ask.digest)
      throw new ProtocolError('INVALID_STATE', 'That is not what is being asked now; look again.');
    card.answer(answer);
  }
}

/** The lasting rule that "always" stands for; null where there is nothing to name. */
export function lastingRule(question: ConsentQuestion, decision: PolicyDecision): PolicyChange | null {
  const [section, pattern] = splitRule(decision.rule);
  const subject = subjectOf(question);
  switch (section) {
    case 'runs': {
      const match = asPattern(question.starter ?? '');
      return match === '' ? null : { about: 'starters', match, verdict: 'allow' };
    }
    case 'actions':
      return pattern === 'default' ? null : { about: 'actions', match: pattern, verdict: 'allow' };
    case 'applications':
      return subject === '' ? null : { about: section, match: subject, verdict: 'allow' };
    case 'urls': {
      const match = addressOf(question);
      return match === '' ? null : { about: 'urls', match, verdict: 'allow' };
    }
    case 'titles':
      // A title is a page's own word; the pattern is the person's.
      return pattern === 'default' ? null : { about: 'titles', match: pattern, verdict: 'allow' };
    default:
      return null;
  }
}

function cardFor(question: ConsentQuestion, decision: PolicyDecision): PanelAsk {
  const requestId = `ask_${randomHex(16)}`;
  const origin = decision.rule.startsWith('runs:');
  const application = inertLine(origin ? '' : (question.window?.application ?? ''), 200);
  const page = decision.rule.startsWith('urls:') ? originOf(question.pageUrl ?? '') : null;
  const where = page === null ? '' : ` on ${inertLine(page, 200)}`;
  const what = origin
    ? `Let ${inertLine(question.starter ?? 'this run', 400)} use this desktop`
    : inWords(question);
  const action = `${what}${where}`;
  const facts = [requestId, application, action, question.window?.id ?? null, question.operation];
  const digest = createHash('sha256').update(JSON.stringify(facts)).digest('hex');
  return { requestId, digest, application, action };
}

function grantKey(question: ConsentQuestion, decision: PolicyDecision): string {
  return `${decision.rule}\n${decision.rule.startsWith('runs:') ? '' : subjectOf(question).toLowerCase()}`;
}

/** What a rule would name. */
function subjectOf(question: ConsentQuestion): string {
  const { operation, window } = question;
  switch (operation.type) {
    case 'open_application':
      return asPattern(operation.name);
    case 'browser_navigate':
      return addressOf(question);
    default:
      return asPattern(window?.application ?? '');
  }
}

/** All of the site that was shown. */
function addressOf({ operation, pageUrl }: ConsentQuestion): string {
  const url = operation.type === 'browser_navigate' ? operation.url : (pageUrl ?? '');
  return asPattern(originOf(url) ?? '', '/*');
}

/** A name as a pattern of its own; one with a star in it would name more than itself. */
function asPattern(name: string, suffix = ''): string {
  const text = name.trim();
  return text === '' || text.includes('*') || text.length + suffix.length > 200 ? '' : `${text}${suffix}`;
}

function splitRule(rule: string): [section: string, pattern: string] {
  const colon = rule.indexOf(':');
  return colon === -1 ? [rule, ''] : [rule.slice(0, colon), rule.slice(colon + 1)];
}

function inWords({ operation, kinds = [] }: ConsentQuestion): string {
  const words = operationInWords(operation);
  if (kinds.includes('type_password')) return `${words} into a password field`;
  return kinds.includes('root_terminal') ? `${words} in a terminal that has root` : words;
}

/** Facts of the operation, never what is typed. */
function operationInWords(operation: Operation): string {
  switch (operation.type) {
    case 'click':
      return operation.clicks > 1 ? `Click ${operation.clicks} times` : 'Click';
    case 'move':
      return 'Move the pointer';
    case 'drag':
      return 'Drag';
    case 'scroll':
      return `Scroll ${operation.direction}`;
    case 'type_text':
      return `Type ${[...operation.text].length} characters`;
    case 'key_press':
      return `Press ${operation.keys.length} ${operation.keys.length === 1 ? 'key' : 'keys'}`;
    case 'key_combo':
      return `Press ${inertLine(operation.keys.join('+'), 100)}`;
    case 'open_application':
      return `Open ${inertLine(operation.name, 200)}`;
    case 'browser_navigate':
      return `Go to ${inertLine(operation.url, 400)}`;
    case 'focus_window':
      return 'Bring a window forward';
    case 'close_window':
      return 'Close the window';
    default:
      return inertLine(operation.type.replaceAll('_', ' '), 80);
  }
}

/** Whether an approval still fits: the same window, as it was shown. */
export function sameWindow(a: WindowInfo | null, b: WindowInfo | null): boolean {
  return a?.id === b?.id && a?.application === b?.application;
}
