import { isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  canonicalUrl,
  type Operation,
  parseUrlPattern,
  urlMatches,
  type WindowInfo,
  wildcard,
} from '@deskhand/protocol';
import type { DerivedAction, LoadedPolicy, PolicyFile, Verdict } from '@deskhand/protocol/policy-file';
import { nameFits, plain } from './plain-name.ts';

export type PolicyQuestion = Readonly<{
  operation: Operation;
  /** The window that will receive the input, read just now; null when none would. */
  window: WindowInfo | null;
  /** Other names the window's application goes by: both parts of its class, its program. */
  names?: readonly string[];
  /** Address of the page that gets the input, where the browser is ours. */
  pageUrl?: string | null;
  /** What the operation amounts to, beyond its type. */
  kinds?: readonly DerivedAction[];
}>;

export type PolicyDecision = Readonly<{
  verdict: Verdict;
  /** Names the rule: `applications:*keepass*`, `terminal`, `policy_missing` … */
  rule: string;
  reason: string;
}>;

export type PolicySurroundings = Readonly<{
  /** Always readable: the data folder's `work`. */
  workFolder: string;
  /** Files this run itself has named while saving, see SavedPaths. */
  savedPaths: Readonly<{ has: (path: string) => boolean }>;
}>;

/** Our own windows: an agent that could click there could approve itself. */
const OWN_APPLICATIONS = /^(deskhand|deskhand-overlay|electron.*deskhand)/i;

/** Decides one operation. Pure: same file, same question, same answer. */
export function decide(
  loaded: LoadedPolicy,
  question: PolicyQuestion,
  around: PolicySurroundings,
): PolicyDecision {
  if (loaded.state !== 'loaded')
    return { verdict: 'deny', rule: `policy_${loaded.state}`, reason: loaded.reason };
  const { policy } = loaded;
  const { operation } = question;
  if (operation.type === 'wait') return allow('wait');
  const kinds = [operation.type, ...(question.kinds ?? [])];
  return strictest([
    decideOperation(policy, question, around),
    first(policy.actions, 'actions', (match) => kinds.some((kind) => wildcard(match.trim(), kind))),
  ]);
}

function decideOperation(
  policy: PolicyFile,
  question: PolicyQuestion,
  around: PolicySurroundings,
): PolicyDecision {
  const { operation } = question;
  switch (operation.type) {
    case 'run_command':
      return policy.terminal.allow
        ? allow('terminal')
        : no(
            'terminal',
            'Commands are not allowed on this desktop; `deskhand policy allow terminal` permits them.',
          );
    case 'read_file':
    case 'stat_file':
      return decidePath(policy, operation.path, around);
    case 'browser_navigate':
      return decideUrl(policy, operation.url, around);
    case 'open_application':
      return decideNames(policy, [operation.name]);
    default:
      return decideWindow(policy, question);
  }
}

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, ask: 1, deny: 2 };

/** The first of the strictest; a yes of one rule never overrides the no of another kind. */
function strictest(decisions: readonly [PolicyDecision, ...PolicyDecision[]]): PolicyDecision {
  return decisions.reduce((worst, decision) =>
    STRICTNESS[decision.verdict] > STRICTNESS[worst.verdict] ? decision : worst,
  );
}

export type RunMoment = Readonly<{
  serverIsLocal: boolean;
  /** The server's address, a space, and who asked it for this run. */
  starter: string;
  now: Date;
  /** Since this run's first moment on this desktop, by a clock that nobody sets; null without a run. */
  ranMs: number | null;
}>;

/** Whether runs of this control plane may act here at all, at this hour and still. */
export function decideOrigin(loaded: LoadedPolicy, moment: RunMoment): PolicyDecision {
  if (loaded.state !== 'loaded')
    return { verdict: 'deny', rule: `policy_${loaded.state}`, reason: loaded.reason };
  const { starters, local_server, other_servers, hours, max_minutes } = loaded.policy.runs;
  const { serverIsLocal, starter, now, ranMs } = moment;
  if (hours.length > 0 && !hours.some((span) => isWithin(span, now)))
    return no('runs:hours', 'Runs may not act here at this hour.');
  if (max_minutes !== null && ranMs !== null && ranMs >= max_minutes * 60_000)
    return no('runs:max_minutes', `A run may act here for ${max_minutes} minutes.`);
  const known = starters.find(({ match }) => nameFits(match, starter));
  if (known !== undefined) return verdictOf(known.verdict, 'runs:starters', known.why);
  return serverIsLocal
    ? verdictOf(local_server, 'runs:local_server')
    : verdictOf(other_servers, 'runs:other_servers');
}

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** By this computer's clock and time zone. */
function isWithin({ days, from, to }: PolicyFile['runs']['hours'][number], now: Date): boolean {
  const minute = now.getHours() * 60 + now.getMinutes();
  const on = (daysAgo: number) =>
    days === undefined || days.includes(WEEKDAYS[(now.getDay() + 7 - daysAgo) % 7] ?? 'sun');
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  if (begin < end) return on(0) && minute >= begin && minute < end;
  // Past midnight: tonight's part, or the rest of last night's.
  return (on(0) && minute >= begin) || (on(1) && minute < end);
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

/** What a window says of itself may lie: each of its names can only make the verdict stricter. */
function decideWindow(policy: PolicyFile, { window, names = [], pageUrl }: PolicyQuestion): PolicyDecision {
  if (window === null) return verdictOf(policy.applications.default, 'applications:default');
  const known = [window.application, ...names];
  if (known.some((name) => OWN_APPLICATIONS.test(plain(name))))
    return no('own_window', 'Deskhand’s own windows belong to the person.');
  return strictest([
    decideNames(policy, known),
    first(policy.titles, 'titles', (match) => nameFits(match, window.title)),
    ...(pageUrl == null || pageUrl === 'about:blank' ? [] : [byUrlRules(policy, pageUrl)]),
  ]);
}

/** The strictest rule that any of the names meets; the default only where none does. */
function decideNames(policy: PolicyFile, names: readonly string[]): PolicyDecision {
  const unnamed = 'applications:default';
  const decisions = names.map((name) =>
    first(policy.applications, 'applications', (match) => nameFits(match, name)),
  );
  const named = decisions.filter(({ rule }) => rule !== unnamed);
  const [one, ...others] = named.length > 0 ? named : decisions;
  return one === undefined ? verdictOf(policy.applications.default, unnamed) : strictest([one, ...others]);
}

/** A file in the browser is a file that is read: the same folders count. */
function decideUrl(policy: PolicyFile, url: string, around: PolicySurroundings): PolicyDecision {
  const byUrl = byUrlRules(policy, url);
  if (byUrl.verdict === 'deny') return byUrl;
  let path: string | null = isAbsolute(url) ? url : null;
  try {
    if (/^\s*file:/i.test(url)) path = fileURLToPath(url.trim());
  } catch {
    return no('files', 'That file URL names no file of this computer.');
  }
  return path === null ? byUrl : decidePath(policy, path, around);
}

/** Folders whose files may be read now. */
export function readableRoots(loaded: LoadedPolicy, workFolder: string): readonly string[] {
  return loaded.state === 'loaded' ? [workFolder, ...loaded.policy.files.roots] : [];
}

function decidePath(policy: PolicyFile, path: string, around: PolicySurroundings): PolicyDecision {
  if (!isAbsolute(path)) return no('files', 'Paths must be absolute.');
  const wanted = resolve(path);
  if (around.savedPaths.has(wanted)) return allow('files:saved_by_this_run');
  const root = readableRoots({ state: 'loaded', policy }, around.workFolder).find((candidate) =>
    isInside(wanted, resolve(candidate)),
  );
  return root === undefined
    ? no('files', `${wanted} is outside the folders listed under "files" in policy.json.`)
    : allow(`files:${root}`);
}

function isInside(path: string, root: string): boolean {
  const between = relative(root, path);
  return between === '' || (!between.startsWith('..') && !isAbsolute(between));
}

/**
 * As the browser understands the address. A rule that denies or asks also counts where only the written text fits
 * it; a rule that allows never does.
 */
function byUrlRules(policy: PolicyFile, url: string): PolicyDecision {
  const canonical = canonicalUrl(url);
  return first(policy.urls, 'urls', (match, verdict) => {
    if (canonical !== null && urlMatches(parseUrlPattern(match), canonical)) return true;
    const pattern = match.trim();
    if (pattern === '*') return true;
    return (
      verdict !== 'allow' &&
      (wildcard(pattern, url.trim()) || (canonical !== null && wildcard(pattern, canonical.href)))
    );
  });
}

function first(
  section: PolicyFile['applications'],
  name: string,
  fits: (match: string, verdict: Verdict) => boolean,
): PolicyDecision {
  for (const { match, verdict, why } of section.rules)
    if (fits(match, verdict)) return verdictOf(verdict, `${name}:${match}`, why);
  return verdictOf(section.default, `${name}:default`);
}

function verdictOf(verdict: Verdict, rule: string, why?: string): PolicyDecision {
  if (verdict === 'allow') return allow(rule);
  return { verdict, rule, reason: why ?? `This desktop’s policy says "${verdict}".` };
}

function allow(rule: string): PolicyDecision {
  return { verdict: 'allow', rule, reason: '' };
}

function no(rule: string, reason: string): PolicyDecision {
  return { verdict: 'deny', rule, reason };
}
