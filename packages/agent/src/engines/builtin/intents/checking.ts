import type { ClauseText } from '../clause-text.ts';
import type { Intent, IntentReader } from '../intent.ts';
import { readTarget, type Target } from '../target.ts';
import { DOTTED_ATOM, PATH_ATOM, QUOTE } from '../text.ts';
import { firstMatch, pattern } from './patterns.ts';

const CHECK =
  '(?:(?:check|verify|make\\s+sure|ensure|confirm|assert|see|validate|test|be\\s+sure|double[- ]check|prove|expect|look)(?:\\s+(?:that|if|whether|to\\s+see\\s+(?:if|whether|that)))?)';
const THING = '(?:the\\s+)?(?:text|words?|message|phrase|label)?\\s*';
const SCREEN =
  '(?:\\s+(?:on|in|at|anywhere\\s+on)\\s+(?:the\\s+|this\\s+)?(?:page|screen|window|site|website|result|output|display|terminal|document))?';
const IS = '(?:is|are|was|were|has\\s+been|does|do|can\\s+be|should\\s+be|to\\s+be|gets?|got)';
const SEEN =
  '(?:visible|shown|displayed|present|there|seen|on\\s+(?:the\\s+)?(?:screen|page)|appearing|in\\s+view|found)';

const FILE = `(?:the\\s+)?(?:file\\s+)?(?<path>${PATH_ATOM}|${DOTTED_ATOM})`;
const FILE_CHECKS = [
  pattern(
    `${CHECK}\\s+${FILE}\\s+(?:exists?|is\\s+(?:there|present|saved|on\\s+disk)|was\\s+(?:saved|created|written)|has\\s+been\\s+(?:saved|created|written))`,
  ),
  pattern(
    `${CHECK}\\s+${FILE}\\s+(?<missing>does\\s*n[o'’]t\\s+exist|does\\s+not\\s+exist|is\\s+(?:gone|missing|deleted|not\\s+there)|is\\s*n[o'’]t\\s+there|was\\s+(?:deleted|removed))`,
  ),
  pattern(
    `${CHECK}\\s+${FILE}\\s+(?:contains?|has|includes?)\\s+(?:the\\s+(?:text|words?|line)\\s+)?(?<content>.+)`,
  ),
  pattern(`${CHECK}\\s+(?:the\\s+)?file\\s+(?<path>${QUOTE})\\s+(?:exists?|was\\s+(?:saved|created))`),
];

const PAGE_CHECKS = [
  pattern(
    `${CHECK}\\s+(?:the\\s+)?(?:page(?:['’]s)?\\s+|tab\\s+|window\\s+|document\\s+)?(?<part>title|url|address|heading)\\s+(?:of\\s+the\\s+page\\s+)?(?<how>is|equals?|reads?|says?|matches|contains?|includes?|has|starts\\s+with|ends\\s+with)\\s+(?:now\\s+)?(?<text>.+)`,
  ),
  pattern(
    `expect\\s+(?:the\\s+)?(?:page\\s+)?(?<part>title|url|address)\\s+to\\s+(?<how>be|equal|contain)\\s+(?<text>.+)`,
  ),
  pattern(
    `${CHECK}\\s+(?:you(?:['’]re|\\s+are)\\s+|we(?:['’]re|\\s+are)\\s+|the\\s+(?:browser|page)\\s+is\\s+)(?:on|at)\\s+(?:the\\s+)?(?:page|url|address)\\s+(?<text>.+)`,
  ),
];

const STATE_CHECKS = [
  pattern(
    `${CHECK}\\s+(?<what>.+?)\\s+${IS}\\s+(?<not>not\\s+)?(?<state>un-?checked|un-?ticked|checked|ticked|enabled|disabled|gr[ae]yed\\s+out|selected|deselected|focused|turned\\s+on|turned\\s+off|on|off|clickable)`,
  ),
  pattern(
    `${CHECK}\\s+(?<what>.+?)\\s+(?:is|are)(?<not>n['’]t)\\s+(?<state>checked|ticked|enabled|disabled|selected|focused)`,
  ),
];

const VALUE_CHECKS = [
  pattern(
    `${CHECK}\\s+(?:the\\s+value\\s+(?:of|in)\\s+)?(?<what>.+?)\\s+(?<how>contains?|has\\s+(?:the\\s+)?(?:value|text|content)|includes?|equals?|reads?|says?|shows?|has|holds?|is\\s+set\\s+to|is\\s+filled\\s+with|is\\s+equal\\s+to|displays?)\\s+(?:the\\s+(?:text|value)\\s+)?(?<text>${QUOTE})`,
  ),
  pattern(
    `${CHECK}\\s+(?:the\\s+)?(?:value\\s+(?:of|in)\\s+)(?<what>.+?)\\s+(?<how>is|equals?|contains?)\\s+(?<text>.+)`,
  ),
  pattern(
    `${CHECK}\\s+(?<what>.+?)\\s+(?<how>is|does)(?<not>n['’]t|\\s+not)\\s+(?:equal\\s+(?:to\\s+)?|contain\\s+|show\\s+|say\\s+|set\\s+to\\s+)?(?<text>${QUOTE})`,
  ),
  pattern(
    `${CHECK}\\s+(?<what>(?:the\\s+)?.+?\\s+(?:field|box|drop-?down|select|input|area|combo\\s?box|slider|list))\\s+(?<how>is|shows?|contains?|has|says?|reads?)\\s+(?<text>.+)`,
  ),
];

/** "The Name field should contain “Ada”": no verb of checking before it. */
const SHOULD = [
  pattern(
    `(?<what>.+?)\\s+(?:should|must)\\s+(?<not>not\\s+)?(?:now\\s+)?(?<how>contain|include|show|display|say|read|hold|equal|be(?:\\s+set\\s+to)?)\\s+(?:the\\s+(?:text|value)\\s+)?(?<text>${QUOTE})`,
  ),
];

const ABSENT = [
  pattern(
    `${CHECK}\\s+${THING}(?<what>.+?)\\s+(?:(?:is|are|was|were)(?:n['’]t|\\s+not|\\s+no\\s+longer)|(?:does|do)(?:n['’]t|\\s+not)|has\\s+not|can\\s*not|can['’]t)\\s+(?:be\\s+)?(?:${SEEN}|appear|show(?:\\s+up)?|exist|contain)(?:\\s+any\\s?more)?${SCREEN}`,
  ),
  pattern(
    `${CHECK}\\s+${THING}(?<what>.+?)\\s+(?:is|are|has)\\s+(?:gone|disappeared|vanished|hidden|absent|missing|removed)${SCREEN}`,
  ),
  pattern(
    `${CHECK}\\s+(?:there\\s+(?:is|are)\\s+no(?:\\s+longer)?(?:\\s+an?)?|(?:the\\s+)?(?:page|screen)\\s+(?:does\\s+not|doesn['’]t)\\s+(?:show|contain|say|display|have))\\s+${THING}(?<what>.+?)${SCREEN}`,
  ),
  pattern(`(?:you|i|we)\\s+should\\s+not\\s+see\\s+${THING}(?<what>.+)`),
];
const PRESENT = [
  pattern(`${CHECK}\\s+${THING}(?<what>.+?)\\s+${IS}\\s+(?:now\\s+|still\\s+)?${SEEN}${SCREEN}`),
  pattern(
    `${CHECK}\\s+${THING}(?<what>.+?)\\s+(?:appears?|appeared|shows?(?:\\s+up)?|exists?|comes?\\s+up|opened|opens|pops?\\s+up)${SCREEN}`,
  ),
  pattern(
    `${CHECK}\\s+(?:there\\s+(?:is|are)(?:\\s+an?)?|(?:the\\s+|this\\s+)?(?:page|screen|window|result|site|answer|output|terminal|dialog)\\s+(?:shows?|contains?|says?|displays?|has|reads?|includes?)|you\\s+(?:can\\s+)?see|it\\s+(?:says?|shows?|contains?|reads?|displays?))\\s+${THING}(?<what>.+?)${SCREEN}`,
  ),
  pattern(
    `${CHECK}\\s+${THING}(?<what>.+?)\\s+${IS}\\s+(?:now\\s+|still\\s+)?${SEEN}\\s+(?<where>(?:in|on|next\\s+to|beside|below|above|under)\\s+.+)`,
  ),
  pattern(`(?:check|verify|look)\\s+for\\s+${THING}(?<what>.+?)${SCREEN}`),
  pattern(`(?:you|i|we)\\s+should\\s+(?:now\\s+)?see\\s+${THING}(?<what>.+)`),
  pattern(`${THING}(?<what>.+?)\\s+should\\s+(?:now\\s+)?(?:be\\s+${SEEN}|appear|show(?:\\s+up)?)${SCREEN}`),
  pattern(`${CHECK}\\s+(?:the\\s+)?(?:answer|result|output)\\s+(?:is|reads?|says?|equals?)\\s+(?<what>.+)`),
  pattern(
    `(?:check|verify|confirm|make\\s+sure\\s+of|expect|assert)\\s+(?:that\\s+)?(?:the\\s+(?:text|words?|message)\\s+)?(?<what>${QUOTE})${SCREEN}`,
  ),
];

/** check · verify · make sure that something is so. */
export const readCheck: IntentReader = (clause): Intent | null =>
  fileCheck(clause) ??
  pageCheck(clause) ??
  visibilityCheck(clause, ABSENT, false) ??
  stateCheck(clause) ??
  valueOrVisible(clause);

function valueOrVisible(clause: ClauseText): Intent | null {
  // "the page contains X" is about the screen, "the Name field contains X" about a value.
  const onScreen =
    /\b(?:page|screen|window|site|result|answer|output|terminal|it|there)\s+(?:shows?|contains?|says?|displays?|has|reads?|includes?|is|are)\b/i.test(
      clause.text,
    );
  const visible = () => visibilityCheck(clause, PRESENT, true);
  return onScreen ? (visible() ?? valueCheck(clause)) : (valueCheck(clause) ?? visible());
}

function fileCheck(clause: ClauseText): Intent | null {
  const found = firstMatch(FILE_CHECKS, clause.text);
  if (found?.path === undefined) return null;
  return {
    type: 'check_file',
    path: clause.meaning(found.path),
    contains: found.content === undefined ? null : clause.meaning(found.content),
    expected: found.missing === undefined,
  };
}

function pageCheck(clause: ClauseText): Intent | null {
  const found = firstMatch(PAGE_CHECKS, clause.text);
  if (found?.text === undefined) return null;
  const part = found.part?.toLowerCase();
  if (part === 'heading') return null;
  return {
    type: 'check_page',
    part: part === 'title' ? 'title' : 'url',
    how:
      found.how !== undefined && /^(?:is|be\b|equals?|reads?|matches)/i.test(found.how)
        ? 'equals'
        : 'contains',
    text: clause.meaning(found.text),
  };
}

function stateCheck(clause: ClauseText): Intent | null {
  const found = firstMatch(STATE_CHECKS, clause.text);
  if (found?.what === undefined || found.state === undefined) return null;
  const word = found.state.toLowerCase();
  const target = readTarget(clause, found.what);
  if (target === null) return null;
  const negative = /^(?:un|de|dis|gr|turned off|off)/.test(word);
  const state = /select/.test(word)
    ? 'selected'
    : /enabled|disabled|gr[ae]y|clickable/.test(word)
      ? 'enabled'
      : word === 'focused'
        ? 'focused'
        : 'checked';
  return {
    type: 'check_state',
    target: checkable(target, state),
    state,
    expected: negative === (found.not !== undefined),
  };
}

function checkable(target: Target, state: string): Target {
  const boxLike = target.role === 'field' || target.role === null;
  return state === 'checked' && boxLike ? { ...target, role: 'check_box' } : target;
}

function valueCheck(clause: ClauseText): Intent | null {
  const found = firstMatch(VALUE_CHECKS, clause.text) ?? firstMatch(SHOULD, clause.text);
  if (found?.what === undefined || found.text === undefined) return null;
  const target = readTarget(clause, found.what);
  if (target === null) return null;
  const contains = /^(?:contains?|includes?|shows?|displays?|says?)\b/i.test(found.how ?? '');
  return {
    type: 'check_value',
    target: target.role === null ? { ...target, role: 'field' } : target,
    how: contains ? 'contains' : 'equals',
    text: clause.meaning(found.text),
    expected: found.not === undefined,
  };
}

const LABELLED = new RegExp(`^(?:the\\s+)?(?:[\\p{L}-]+\\s+){1,4}(?<quote>${QUOTE})$`, 'u');

function visibilityCheck(clause: ClauseText, patterns: readonly RegExp[], visible: boolean): Intent | null {
  const found = firstMatch(patterns, clause.text);
  if (found?.what === undefined) return null;
  const target = readTarget(clause, found.where === undefined ? found.what : `${found.what} ${found.where}`);
  if (target === null) return null;
  // "the total “$25.50”": the words before the quote are its label, not part of it.
  const labelled =
    target.role === null && target.near === null ? LABELLED.exec(found.what)?.groups : undefined;
  const quoted = labelled?.quote === undefined ? null : readTarget(clause, labelled.quote);
  return { type: 'check_visible', target: quoted ?? target, visible };
}
