import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../../..');
const spec = readFileSync(resolve(import.meta.dirname, '../SPEC.md'), 'utf8');
const rules = [...spec.matchAll(/^- \*\*\[([A-Z]+)(\d+)\]\*\* (.+)$/gm)].map(
  ([, family = '', number, text = '']) => ({
    id: `${family}${number}`,
    family,
    number: Number(number),
    text,
  }),
);
const ids = new Set(rules.map(({ id }) => id));
const families = new Set(rules.map(({ family }) => family));

/** Tests that quote a rule, and source that refers to one as `SPEC ACT1`. */
function citations(): { file: string; id: string }[] {
  return ['apps', 'packages', 'test'].flatMap((folder) =>
    readdirSync(resolve(repository, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path) && !path.includes('node_modules'))
      .flatMap((path) => {
        const source = readFileSync(resolve(repository, folder, path), 'utf8');
        const found = source.matchAll(/\[([A-Z]{3,5}\d{1,2})\]|SPEC ([A-Z]{3,5}\d{1,2})/g);
        return [...found].map(([, quoted, named]) => ({
          file: `${folder}/${path}`,
          id: quoted ?? named ?? '',
        }));
      }),
  );
}

describe('SPEC.md', () => {
  it('has the families it should have, each rule once and in order', () => {
    expect([...families]).toEqual([
      ...['RUN', 'STEP', 'ACT', 'LEASE', 'LINK', 'FRAME', 'GEO', 'KILL', 'POL', 'SEC', 'SSE', 'LOCAL', 'ERR'],
    ]);
    expect(ids.size).toBe(rules.length);
    for (const family of families) {
      const numbers = rules.filter((rule) => rule.family === family).map(({ number }) => number);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  it('a rule is one or two sentences, three at most', () => {
    for (const { id, text } of rules) {
      const sentences = text
        .replaceAll(/`[^`]*`|"[^"]*"/g, 'x')
        .split(/[.;](?:\s|$)/)
        .filter(Boolean);
      expect(sentences.length, id).toBeLessThanOrEqual(4);
      expect(text, id).toMatch(/\.$/);
    }
  });

  it('every rule that a test or a comment quotes exists', () => {
    const quoted = citations().filter(({ id }) => families.has(id.replace(/\d+$/, '')));
    expect(quoted.length).toBeGreaterThan(20);
    expect(quoted.filter(({ id }) => !ids.has(id))).toEqual([]);
  });

  it('every constant it names is exported', async () => {
    const exported = new Set(Object.keys(await import('./index.ts')));
    const errors = new Set(Object.keys((await import('./errors.ts')).ERRORS));
    const named = [...spec.matchAll(/`([A-Z][A-Z_]{3,})(?:\.\w+)?`/g)].map(([, name = '']) => name);
    expect(named.filter((name) => name !== 'CODE' && !exported.has(name) && !errors.has(name))).toEqual([]);
  });
});
