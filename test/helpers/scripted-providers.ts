import { ScriptedProvider, type ScriptedReply } from '@deskhand/agent/testing';
import { afterEach } from 'vitest';

/** The key every scripted provider of the tests expects. */
export const PROVIDER_KEY = 'sk-test-key-1234567890';

/** @returns a function that starts a scripted provider; each is closed after its test. */
export function useScriptedProviders(): (...replies: ScriptedReply[]) => Promise<ScriptedProvider> {
  const open: ScriptedProvider[] = [];
  afterEach(async () => {
    for (const provider of open.splice(0)) await provider[Symbol.asyncDispose]();
  });
  return async (...replies) => {
    const started = new ScriptedProvider({ replies, expectedKey: PROVIDER_KEY });
    await started.start();
    open.push(started);
    return started;
  };
}
