import { probeModel, probeProblem } from '@deskhand/agent';
import { silentLogger } from '@deskhand/base';
import { readConfig } from './config.ts';

/**
 * `deskhand doctor` runs this as a process of its own: one picture to the configured model, one line of JSON with
 * what came of it, `null` for the built-in engine. Keys stay in this process.
 */
const LONGEST_MS = 90_000;

async function probe() {
  const config = readConfig(process.env);
  return probeModel(
    {
      model: config.model ?? undefined,
      env: config.providerKeys,
      baseUrl: config.model_url ?? undefined,
      prices: config.model_prices,
      log: silentLogger,
    },
    { signal: AbortSignal.timeout(LONGEST_MS) },
  );
}

const result = await probe().catch(probeProblem);
process.stdout.write(`${JSON.stringify(result)}\n`);
