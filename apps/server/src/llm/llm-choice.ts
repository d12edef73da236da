import type { IncomingHttpHeaders } from 'node:http';
import { chooseModel, endpointFor, looksLikeKey } from '@deskhand/agent/model-choice';
import { Secret } from '@deskhand/base';
import {
  type CreateRunRequest,
  LLM_PROVIDERS,
  type LlmProvider,
  ProtocolError,
  StoreLlmKeyRequest,
} from '@deskhand/protocol';
import type { Config } from '../config.ts';
import { validationError } from '../http/to-http-error.ts';
import type { Mode } from '../storage/schema.ts';

/** What a request says about the model that is to do it (v1-api.md 8.7). */
export type LlmWish = Readonly<
  | { own: false; model: string | null }
  | {
      own: true;
      provider: LlmProvider;
      /** As the provider calls it. */
      model: string;
      /** Null: the stored key is meant. */
      headerKey: Secret | null;
    }
>;

/** The model and key a run is created with. The key is sealed with the run and never shown. */
export type OwnLlm = Readonly<{
  provider: LlmProvider;
  model: string;
  key: Secret;
  fingerprint: string;
  source: 'header' | 'stored';
}>;

/**
 * Reads `llm`, `model` and the `X-LLM-*` headers together.
 * @throws ProtocolError LLM_PROVIDER_UNSUPPORTED, LLM_MODEL_INVALID, VALIDATION_ERROR
 */
export function llmWish(
  request: { headers: IncomingHttpHeaders; mode: Mode; body: Pick<CreateRunRequest, 'llm' | 'model'> },
  config: Pick<Config, 'providerKeys' | 'model_url'>,
): LlmWish {
  const { llm, model } = request.body;
  for (const name of [model, llm?.model, llm?.grounding_model, llm?.compaction_model, llm?.code_agent_model])
    if (name !== null && name !== undefined) refuseCredential(name);
  const header = headersOf(request.headers);
  const inBody = llm === null || llm.provider === 'managed' ? null : llm.provider;
  if (header.provider !== null && inBody !== null && header.provider !== inBody)
    throw new ProtocolError(
      'LLM_PROVIDER_UNSUPPORTED',
      `X-LLM-Provider says ${header.provider} and llm.provider says ${inBody}: name one provider.`,
    );
  const provider = header.provider ?? inBody;
  if (provider === null) {
    if (header.key !== null || header.model !== null)
      throw new ProtocolError(
        'LLM_PROVIDER_UNSUPPORTED',
        `${header.key === null ? 'X-LLM-Model' : 'X-LLM-Api-Key'} needs X-LLM-Provider: ${LLM_PROVIDERS.join(' or ')}.`,
      );
    const wanted = model ?? llm?.model ?? null;
    refuseUnknown(wanted, config);
    return { own: false, model: wanted };
  }
  if (request.mode === 'test')
    throw new ProtocolError(
      'LLM_PROVIDER_UNSUPPORTED',
      'Runs of test keys use the model this server’s operator configured; bring your own key with a live one.',
    );
  return {
    own: true,
    provider,
    model: ownModel(provider, header.model ?? llm?.model ?? model),
    headerKey: header.key,
  };
}

function headersOf(headers: IncomingHttpHeaders): {
  provider: LlmProvider | null;
  key: Secret | null;
  model: string | null;
} {
  const provider = text(headers['x-llm-provider'])?.toLowerCase() ?? null;
  const known = LLM_PROVIDERS.find((name) => name === provider) ?? null;
  if (provider !== null && known === null)
    throw new ProtocolError(
      'LLM_PROVIDER_UNSUPPORTED',
      `X-LLM-Provider must be ${LLM_PROVIDERS.join(' or ')}.`,
    );
  const key = text(headers['x-llm-api-key']);
  if (key !== null && !StoreLlmKeyRequest.safeParse({ api_key: key }).success)
    throw validationError([
      {
        loc: ['header', 'X-LLM-Api-Key'],
        msg: 'X-LLM-Api-Key has 16 to 512 printable characters',
        type: 'string_pattern_mismatch',
      },
    ]);
  const model = text(headers['x-llm-model']);
  if (model !== null) {
    if (model.length > 512)
      throw validationError([
        {
          loc: ['header', 'X-LLM-Model'],
          msg: 'X-LLM-Model has at most 512 characters',
          type: 'string_too_long',
        },
      ]);
    refuseCredential(model);
  }
  return { provider: known, key: key === null ? null : new Secret(key), model };
}

/** Blank means absent, as for the API key itself. */
function text(header: string | string[] | undefined): string | null {
  const value = (Array.isArray(header) ? header.join(', ') : header)?.trim();
  return value === undefined || value === '' ? null : value;
}

/** `anthropic/claude-…` and `claude-…` are the same model here; `default` is the provider's default. */
function ownModel(provider: LlmProvider, wanted: string | null): string {
  const name = wanted === null || wanted === 'default' ? null : wanted;
  if (name === 'builtin')
    throw new ProtocolError('LLM_MODEL_INVALID', '`builtin` asks no provider and takes no key.');
  const model = name?.startsWith(`${provider}/`) ? name.slice(provider.length + 1) : name;
  return endpointFor({ provider, model, apiKey: new Secret(''), source: 'header' }).model;
}

function refuseCredential(model: string): void {
  if (looksLikeKey(model.trim()))
    throw new ProtocolError(
      'LLM_MODEL_INVALID',
      'The model looks like an API key; it should be the name of a model. Keys go into X-LLM-Api-Key or PUT /v1/llm/keys/{provider}.',
    );
}

/** A model the server can't ask is refused now, not when the run starts. */
function refuseUnknown(model: string | null, config: Pick<Config, 'providerKeys' | 'model_url'>): void {
  if (model === null || model === 'default') return;
  try {
    chooseModel(model, config.providerKeys, config.model_url ?? undefined);
  } catch (cause) {
    throw new ProtocolError(
      'LLM_MODEL_INVALID',
      `This server cannot ask the model “${model.slice(0, 100)}”. Use default, builtin, or provider/model of a provider its operator has set up; GET /v1/models lists what there is.`,
      {},
      { cause },
    );
  }
}
