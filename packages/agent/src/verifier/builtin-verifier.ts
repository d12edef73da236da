import type { Verdict } from '@deskhand/protocol';
import { planOf } from '../engines/builtin/plan.ts';
import type { Verifier } from '../ports.ts';
import { checksOf } from './checks.ts';
import { Evidence } from './gather.ts';
import { type Finding, judgeCheck } from './judge-check.ts';

/**
 * Judges without a model: what must be true is derived from the task's words, then looked up on the real
 * screen, in files and in the journal. Nothing the engine said, and nothing a page claims about the task,
 * takes part.
 */
export class BuiltinVerifier implements Verifier {
  readonly name = 'builtin';

  async verify(
    options: Parameters<Verifier['verify']>[0],
    { signal }: { signal: AbortSignal },
  ): Promise<Verdict> {
    const { brief, machine, history, newCommandId, answer } = options;
    const plan = planOf(brief.task);
    if (!plan.understood) return verdict('unknown', 'The task’s words do not say what could be checked.', []);
    const checks = checksOf(plan.steps);
    if (checks.length === 0)
      return verdict(
        'unknown',
        'The task promises nothing that can be checked on the screen or in a file.',
        [],
      );
    const evidence = new Evidence({ machine, newCommandId, history, answer, signal });
    let sight = await evidence.look();
    const judgeAll = async () => {
      const findings: Finding[] = [];
      for (const check of checks) {
        const finding = await judgeCheck(check, sight, evidence);
        if (finding.result !== 'unknown' || check.mayBeGone !== true) findings.push(finding);
      }
      return findings;
    };
    let findings = await judgeAll();
    // What could not be read may only have come too late for the first look; a "no" is never asked twice.
    for (let tries = 0; tries < MORE_LOOKS && isOpen(findings); tries += 1) {
      sight = await evidence.lookAgain(sight);
      findings = await judgeAll();
    }
    return fold(findings, sight.frame?.geometry.frameId ?? null);
  }
}

const MORE_LOOKS = 2;

function isOpen(findings: readonly Finding[]): boolean {
  return (
    findings.some(({ result }) => result === 'unknown') &&
    !findings.some(({ result }) => result === 'unsatisfied')
  );
}

/** One "no" is a no; a missing proof is unknown; only proofs make a yes. */
function fold(findings: readonly Finding[], frameId: string | null): Verdict {
  const evidence = findings.map(({ result, words }) => `${result}: ${words}`);
  if (frameId !== null) evidence.push(`frame ${frameId}`);
  const broken = findings.filter(({ result }) => result === 'unsatisfied');
  if (broken.length > 0) return verdict('unsatisfied', `${sentence(broken)}.`, evidence);
  const open = findings.filter(({ result }) => result === 'unknown');
  if (open.length > 0) return verdict('unknown', `Could not be judged: ${sentence(open)}.`, evidence);
  const proofs = findings.filter(({ strong }) => strong);
  if (proofs.length === 0) return verdict('unknown', 'Nothing on the screen proves the result.', evidence);
  return verdict('satisfied', `${sentence(proofs)}.`, evidence);
}

function sentence(findings: readonly Finding[]): string {
  const words = findings.map((finding) => finding.words).join('; ');
  return (words.charAt(0).toUpperCase() + words.slice(1)).slice(0, 3500);
}

function verdict(judgement: Verdict['judgement'], reason: string, evidence: readonly string[]): Verdict {
  const confidence = judgement === 'unknown' ? 0.2 : 0.95;
  return {
    judgement,
    reason,
    confidence,
    evidence: evidence.slice(0, 50).map((line) => line.slice(0, 1000)),
  };
}
