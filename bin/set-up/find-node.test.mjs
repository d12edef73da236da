import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  findNode,
  isNewEnough,
  nodeFlags,
  oldestNode,
  pinnedNode,
  substituteFile,
  versionOf,
} from './find-node.mjs';
import { root } from './repository.mjs';
import { makeScratch } from './scratch.mjs';

describe('which Node runs Deskhand', () => {
  it.each([
    ['24.15.0', true],
    ['v24.21.0', true],
    ['26.0.0', true],
    ['24.14.9', false],
    ['v20.20.2', false],
    ['18.0.0', false],
  ])('%s is new enough: %s', (version, enough) => expect(isNewEnough(version)).toBe(enough));

  it('is the pinned one, unless set-up wrote down a substitute', () => {
    using clone = makeScratch({});
    expect(findNode(clone.folder)).toBeUndefined();
    clone.write(pinnedNode(), '#!/bin/sh\n');
    expect(findNode(clone.folder)).toBe(join(clone.folder, pinnedNode()));
    clone.write(substituteFile, '/opt/node\n');
    expect(findNode(clone.folder)).toBe('/opt/node');
  });

  it('is the one these tests run on, and satisfies its own rule', () => {
    expect(versionOf(findNode(root))).toBe(process.version);
    expect(isNewEnough(process.version)).toBe(true);
  });

  it('has no version where it cannot run', () => {
    using clone = makeScratch({ broken: 'not a program' });
    expect(versionOf(join(clone.folder, 'broken'))).toBeUndefined();
  });

  it.each(['bin/deskhand', 'bin/deskhand.cmd'])(
    'is started by %s with the same flags and the same floor',
    (file) => {
      const text = readFileSync(join(root, file), 'utf8');
      expect(text).toContain(nodeFlags.join(' '));
      expect(text).toContain(`no Node ${oldestNode.join('.')} or newer here`);
      if (file === 'bin/deskhand')
        expect(text).toContain(
          `+a > ${oldestNode[0]} || (+a === ${oldestNode[0]} && +b >= ${oldestNode[1]})`,
        );
    },
  );
});
