import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PAGE = path.resolve(import.meta.dirname, '../../docs/api.md');
const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/^```(sh|ts|python)\n([\s\S]*?)^```$/gm)].map(
  (match, index) => ({
    name: `${index + 1} (${match[1]}): ${match[2]?.trim().split('\n')[0]}`,
    language: match[1] as 'sh' | 'ts' | 'python',
    code: match[2] ?? '',
  }),
);

const COMMANDS = {
  sh: ['bash', '-euo', 'pipefail', '-c'],
  ts: [process.execPath, '--input-type=module-typescript', '-e'],
  python: ['python3', '-c'],
} as const;

let server: TestServer;
let desktop: FakeDaemon;
beforeAll(async () => {
  server = await TestServer.start();
  desktop = await server.desktop();
});
afterAll(() => server[Symbol.asyncDispose]());

describe('docs/api.md', () => {
  it('has examples in every language it promises', () => {
    expect(new Set(blocks.map((block) => block.language))).toEqual(new Set(['sh', 'ts', 'python']));
  });

  it.each(blocks)('example $name', { timeout: 30_000 }, async ({ language, code }) => {
    const [program, ...args] = COMMANDS[language];
    const child = spawn(program, [...args, code], {
      // Where `@deskhand/client` resolves.
      cwd: path.resolve(import.meta.dirname, '..'),
      env: {
        ...process.env,
        DESKHAND_BASE_URL: server.server.baseUrl,
        DESKHAND_API_KEY: server.key,
        MACHINE_ID: desktop.machineId,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8');
      });
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect([status, status === 0 ? '' : output]).toEqual([0, '']);
  });
});
