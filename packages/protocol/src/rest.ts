import { z } from 'zod';
import { CuaVersion, OnAwaitingHuman, RunError, RunResult, RunStatus } from './run.ts';

/** Requests and responses of the public API (v1-api.md). Requests refuse unknown fields; responses allow more. */

/** Explicit `null` means the same as absent. */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? null);

export const ActionPolicy = z
  .strictObject({
    allowed_actions: optional(z.array(z.string().min(1).max(64)).min(1).max(128)),
    blocked_actions: optional(z.array(z.string().min(1).max(64)).max(128)),
    blocked_keys: optional(z.array(z.string().min(1).max(64)).max(128)),
    block_window_close: z
      .boolean()
      .nullish()
      .transform((value) => value ?? false)
      .meta({ 'x-default': false }),
    max_actions: optional(z.int().min(1).max(10_000)),
    coordinate_bounds: optional(
      z
        .strictObject({ min_x: z.number(), min_y: z.number(), max_x: z.number(), max_y: z.number() })
        .refine(
          (bounds) => bounds.min_x <= bounds.max_x && bounds.min_y <= bounds.max_y,
          'min must not exceed max',
        ),
    ),
  })
  .refine(
    (policy) => !policy.allowed_actions?.some((name) => policy.blocked_actions?.includes(name)),
    'allowed_actions and blocked_actions must not share a name',
  )
  .meta({ title: 'Action policy' });
export type ActionPolicy = z.infer<typeof ActionPolicy>;

export const LlmConfig = z
  .strictObject({
    provider: z
      .enum(['managed', 'anthropic', 'openai'])
      .nullish()
      .transform((value) => value ?? 'managed'),
    model: optional(z.string().min(1).max(512)),
    grounding_model: optional(z.string().min(1).max(512)),
    compaction_model: optional(z.string().min(1).max(512)),
    code_agent_model: optional(z.string().min(1).max(512)),
  })
  .meta({ title: 'LLM choice' });
export type LlmConfig = z.infer<typeof LlmConfig>;

const notBlank = (value: string) => value.trim().length > 0;

/** Characters, not UTF-16 units: the limits of the contract count what a person would. */
const characters = (min: number, max: number) =>
  z
    .string()
    .superRefine((value, context) => {
      const length = value.length <= max ? value.length : [...value].length;
      const message = `String should have ${min} to ${max} characters`;
      if (length < min)
        context.addIssue({ code: 'too_small', origin: 'string', minimum: min, inclusive: true, message });
      else if (length > max)
        context.addIssue({ code: 'too_big', origin: 'string', maximum: max, inclusive: true, message });
    })
    .meta({ minLength: min, maxLength: max });

/** Left out or null: the default, which the description of the API names. */
const withDefault = <Schema extends z.ZodType, Value>(
  schema: Schema,
  fallback: Value,
  description?: string,
) =>
  schema
    .nullish()
    .transform((value) => value ?? fallback)
    // zod leaves `default` out where a value is transformed; the description of the API puts it in its place.
    .meta({ 'x-default': fallback, ...(description === undefined ? {} : { description }) });

const maxSteps = (fallback: number) =>
  withDefault(
    z.int().min(1).max(1000),
    fallback,
    'Steps the agent may take; more than the operator allows is lowered to that.',
  );

/** What runs and tasks have in common. */
const work = {
  task: characters(1, 16_000)
    .refine(notBlank, 'task must not be blank')
    .describe('What to do, in plain English.'),
  cua_version: withDefault(
    CuaVersion,
    'v3' as const,
    '`v4` and `v5` have their result judged by an independent verifier; `v1` takes one action per turn.',
  ),
  instructions: optional(characters(0, 16_000)).describe('Added to the base prompt.'),
  system_prompt: optional(characters(0, 32_000)).describe('In place of the base prompt.'),
  model: optional(characters(1, 512)).describe('One of `GET /v1/models`, or `provider/model`.'),
  deadline_seconds: optional(z.int().min(1).max(86_400)).describe('Counted from the run’s creation.'),
  webhook_url: optional(characters(1, 2048)).describe(
    'Told when the run awaits a human or has ended, signed with the `webhook_secret` of this answer.',
  ),
  metadata: optional(
    z
      .record(z.string().max(256), z.unknown())
      .refine((value) => Object.keys(value).length <= 50, 'at most 50 keys'),
  ).describe('Yours; comes back with the run. At most 50 keys.'),
  llm: optional(LlmConfig).describe('Which model asks; never a key.'),
  action_policy: optional(ActionPolicy).describe('What the agent may not do; one breach ends the run.'),
};

export const CreateRunRequest = z
  .strictObject({
    machine_id: characters(1, 128).describe('The desktop to drive, of `GET /v1/machines`.'),
    ...work,
    max_steps: maxSteps(50),
    on_awaiting_human: withDefault(
      OnAwaitingHuman,
      'pause' as const,
      'What happens when the agent needs a person.',
    ),
    awaiting_human_timeout_seconds: optional(z.int().min(1).max(86_400)).describe(
      'How long a question may stay unanswered; the operator’s setting when left out.',
    ),
    budget_cents: optional(z.int().min(0)).describe('The run ends before its steps would cost more.'),
  })
  .meta({ title: 'Create run' });
export type CreateRunRequest = z.infer<typeof CreateRunRequest>;
export type CreateRunInput = z.input<typeof CreateRunRequest>;

const MachineOs = z.enum(['linux', 'windows', 'macos']);
const MachineProvider = z.enum(['auto', 'aws', 'azure', 'self_hosted']);
const machineSize = {
  cpu_cores: optional(z.int().min(1).max(16)),
  memory_gb: optional(z.number().min(1).max(64)),
  storage_gb: optional(z.number().min(8).max(500)),
};
const flag = withDefault(z.boolean(), false);

/** A run whose machine the server chooses (v1-api.md 9.6): one that is idle and has the operating system asked for. */
export const CreateTaskRequest = z
  .strictObject({
    ...work,
    max_steps: maxSteps(150),
    machine: optional(
      z.strictObject({
        provider: optional(MachineProvider),
        os_type: optional(MachineOs),
        desktop_enabled: flag,
        ...machineSize,
        restore_from_snapshot: flag,
        proxy: optional(z.record(z.string(), z.unknown())),
      }),
    ),
  })
  .meta({ title: 'Create task' });
export type CreateTaskRequest = z.infer<typeof CreateTaskRequest>;
export type CreateTaskInput = z.input<typeof CreateTaskRequest>;

export const ResumeRunRequest = z
  .strictObject({ note: optional(characters(0, 2000)) })
  .meta({ title: 'Resume run' });
export type ResumeRunRequest = z.infer<typeof ResumeRunRequest>;

/** `llm` of a run that brought its own model key; never the key. */
export const RunLlm = z.looseObject({
  provider: z.string(),
  model: z.string().nullable(),
  key_fingerprint: z.string(),
  key_source: z.enum(['stored', 'header']),
  /** True once the run has ended: its copy of the key is destroyed. */
  key_scrubbed: z.boolean(),
});
export type RunLlm = z.infer<typeof RunLlm>;

/** A run as every endpoint, list and webhook serves it: both name pairs, always equal. */
export const Run = z
  .looseObject({
    id: z.string(),
    run_id: z.string(),
    object: z.literal('agent.run'),
    status: RunStatus,
    state: RunStatus,
    machine_id: z.string().nullable(),
    machine: z.record(z.string(), z.unknown()).nullable(),
    task: z.string(),
    cua_version: CuaVersion,
    instructions: z.string().nullable(),
    max_steps: z.int(),
    deadline_seconds: z.int().nullable(),
    on_awaiting_human: OnAwaitingHuman,
    steps_completed: z.int(),
    credits_charged: z.int(),
    cost_cents: z.int(),
    result: RunResult.nullable(),
    error: RunError.nullable(),
    awaiting_human_reason: z.string().nullable(),
    awaiting_human_since: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    llm: RunLlm.nullable(),
    webhook_url: z.string().nullable(),
    webhook_secret: z.string().nullable(),
    created_at: z.string(),
    started_at: z.string().nullable(),
    finished_at: z.string().nullable(),
    request_id: z.string().nullable(),
  })
  .meta({ title: 'Run' });
export type Run = z.infer<typeof Run>;

export const listOf = <Schema extends z.ZodType>(item: Schema) =>
  z.looseObject({
    object: z.literal('list'),
    data: z.array(item),
    has_more: z.boolean(),
    request_id: z.string(),
  });

export const RunScreenshot = z
  .looseObject({
    index: z.int().min(0),
    attempt: z.int().min(1),
    step: z.int().min(0),
    taken_at: z.string(),
    width: z.int(),
    height: z.int(),
    mime_type: z.string(),
    size_bytes: z.int(),
    sha256: z.string(),
    degraded: z.boolean(),
    exclusion: z.string().optional().meta({
      description:
        'How Deskhand’s own windows were kept out of it: none_needed, native, compose, dock, mask.',
    }),
    encrypted_at_rest: z.boolean(),
    image_b64: z.string().optional(),
    image_unavailable: z.boolean().optional(),
  })
  .meta({ title: 'Run screenshot' });
export type RunScreenshot = z.infer<typeof RunScreenshot>;

export const MACHINE_STATUSES = [
  'creating',
  'provisioning',
  'starting',
  'running',
  'stopping',
  'stopped',
  'restarting',
  'suspended',
  'deleting',
  'terminated',
  'error',
] as const;
export const MachineStatus = z.enum(MACHINE_STATUSES);
export type MachineStatus = z.infer<typeof MachineStatus>;

export const MachineRecord = z
  .looseObject({
    id: z.string(),
    display_name: z.string(),
    status: MachineStatus,
    os_type: z.string(),
    provider: z.string(),
    desktop_enabled: z.boolean(),
    cpu_cores: z.int().nullable(),
    memory_gb: z.number().nullable(),
    storage_gb: z.number().nullable(),
    public_ip: z.null(),
    is_test: z.boolean(),
    created_at: z.string(),
    started_at: z.string().nullable(),
    auto_destroy_at: z.string().nullable(),
    ttl_minutes: z.int().nullable(),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    billing: z.record(z.string(), z.unknown()),
  })
  .meta({ title: 'Machine' });
export type MachineRecord = z.infer<typeof MachineRecord>;

/** Name of a machine nobody named when it was enrolled: the desktop that pairs with its code names itself. */
export const UNNAMED_MACHINE = 'New desktop';

export const CreateMachineRequest = z
  .strictObject({
    display_name: characters(1, 64).refine(notBlank, 'display_name must not be blank'),
    os_type: withDefault(MachineOs, 'linux' as const),
    desktop_enabled: flag,
    provider: optional(MachineProvider),
    ...machineSize,
    restore_from_snapshot: flag,
    ttl_minutes: optional(z.int().min(5).max(10_080)),
    metadata: optional(
      z
        .record(z.string().max(64), z.union([z.string().max(256), z.number(), z.boolean(), z.null()]))
        .refine((value) => Object.keys(value).length <= 16, 'at most 16 pairs'),
    ),
  })
  .meta({ title: 'Register a machine' });
export type CreateMachineRequest = z.infer<typeof CreateMachineRequest>;

export const Enrollment = z.looseObject({ token: z.string(), expires_at: z.string(), agent_url: z.string() });
export type Enrollment = z.infer<typeof Enrollment>;

/** `error` of every non-2xx body. */
export const ErrorBody = z.looseObject({
  error: z.looseObject({
    code: z.string(),
    message: z.string(),
    type: z.string(),
    request_id: z.string(),
    retryable: z.boolean(),
    retry_with_same_idempotency_key: z.boolean(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

export const KEY_PREFIXES = { live: 'sk-coasty-live-', test: 'sk-coasty-test-', legacy: 'cua_sk_' } as const;
export type KeyKind = keyof typeof KEY_PREFIXES;

export const SCOPES = [
  'predict',
  'session',
  'ground',
  'parse',
  'keys',
  'usage',
  'machines:read',
  'machines:write',
  'actions:exec',
  'terminal:exec',
  'files:read',
  'files:write',
  'browser:execute',
  'snapshots:write',
  'connection:read',
  'schedules:read',
  'schedules:write',
  'triggers:write',
  'runs:read',
  'runs:write',
  'workflows:read',
  'workflows:write',
  'llm_keys',
] as const;
export const Scope = z.enum(SCOPES);
export type Scope = z.infer<typeof Scope>;

/** What a new key gets when none are named (v1-api.md 1.2). */
export const DEFAULT_SCOPES: readonly Scope[] = [
  'predict',
  'session',
  'ground',
  'parse',
  'machines:read',
  'machines:write',
  'actions:exec',
  'terminal:exec',
  'files:read',
  'files:write',
  'snapshots:write',
  'runs:read',
  'runs:write',
  'workflows:read',
  'workflows:write',
  'llm_keys',
];

// ---- responses that are not one object or a list of them ---------------------------------------

export const RunList = listOf(Run).meta({ title: 'Runs' });
export type RunList = z.infer<typeof RunList>;

export const RunScreenshotList = listOf(RunScreenshot).meta({ title: 'Run screenshots' });
export type RunScreenshotList = z.infer<typeof RunScreenshotList>;

/** The whole log of a run. Items are checked one by one as RunEvent, so that a newer type does not hide the rest. */
export const RunLog = z
  .looseObject({
    run_id: z.string(),
    data: z.array(z.looseObject({ seq: z.int().min(1), type: z.string() })),
    request_id: z.string(),
  })
  .meta({ title: 'Run log' });
export type RunLog = z.infer<typeof RunLog>;

export const MachineList = listOf(MachineRecord).meta({ title: 'Machines' });
export type MachineList = z.infer<typeof MachineList>;

/** One machine: nested for some clients, and (loose) its fields flat beside it for others (v1-api.md 7.1). */
export const MachineResponse = z
  .looseObject({ machine: MachineRecord, request_id: z.string() })
  .meta({ title: 'One machine' });
export type MachineResponse = z.infer<typeof MachineResponse>;

export const CreateMachineResponse = z
  .looseObject({
    machine: MachineRecord,
    connection: z.record(z.string(), z.unknown()).nullable(),
    /** How the desktop's daemon joins; shown once, absent for machines that are ready at once. */
    enrollment: Enrollment.nullish(),
    request_id: z.string(),
  })
  .meta({ title: 'Registered machine' });
export type CreateMachineResponse = z.infer<typeof CreateMachineResponse>;

/** 0 clears the timer. */
export const PatchMachineRequest = z
  .strictObject({
    ttl_minutes: z
      .int()
      .refine((value) => value === 0 || (value >= 5 && value <= 10_080), 'ttl_minutes is 0 or 5 to 10080'),
  })
  .meta({ title: 'Change a machine' });
export type PatchMachineRequest = z.infer<typeof PatchMachineRequest>;

export const PatchMachineResponse = z
  .looseObject({
    machine_id: z.string(),
    ttl_minutes: z.int().nullable(),
    auto_destroy_at: z.string().nullable(),
    status: MachineStatus,
    message: z.string(),
    request_id: z.string(),
  })
  .meta({ title: 'Changed machine' });
export type PatchMachineResponse = z.infer<typeof PatchMachineResponse>;

/** Answer to start, stop, restart and delete. */
export const LifecycleResponse = z
  .looseObject({
    machine_id: z.string(),
    status: MachineStatus,
    message: z.string(),
    request_id: z.string(),
  })
  .meta({ title: 'Machine lifecycle' });
export type LifecycleResponse = z.infer<typeof LifecycleResponse>;

/** What the machine shows now; base64 without a `data:` prefix. */
export const MachineScreenshot = z
  .looseObject({
    machine_id: z.string(),
    image_b64: z.string(),
    mime_type: z.string(),
    width: z.int(),
    height: z.int(),
    captured_at: z.string(),
    request_id: z.string(),
  })
  .meta({ title: 'Machine screenshot' });
export type MachineScreenshot = z.infer<typeof MachineScreenshot>;

export const CreateKeyRequest = z
  .strictObject({
    name: characters(1, 100).refine(notBlank, 'name must not be blank'),
    // `ocr` was a scope of its own once; `ground` covers it now.
    scopes: optional(z.array(z.enum([...SCOPES, 'ocr'])).max(SCOPES.length + 1)).transform((scopes) =>
      scopes === null ? null : [...new Set(scopes.map((scope) => (scope === 'ocr' ? 'ground' : scope)))],
    ),
  })
  .meta({ title: 'Create an API key' });
export type CreateKeyRequest = z.infer<typeof CreateKeyRequest>;
export type CreateKeyInput = z.input<typeof CreateKeyRequest>;

/** Scopes come back as text: an older key may hold one this build no longer knows. */
const keyFields = {
  key_id: z.string(),
  name: z.string(),
  tier: z.string(),
  scopes: z.array(z.string()),
  created_at: z.string(),
};

/** `key` is in this answer only; the server keeps a hash. */
export const CreatedKey = z.looseObject({ ...keyFields, key: z.string() }).meta({ title: 'Created API key' });
export type CreatedKey = z.infer<typeof CreatedKey>;

export const KeyRecord = z
  .looseObject({ ...keyFields, last_used_at: z.string().nullable(), key_prefix: z.string() })
  .meta({ title: 'API key' });
export type KeyRecord = z.infer<typeof KeyRecord>;

export const KeyList = z.looseObject({ keys: z.array(KeyRecord) }).meta({ title: 'API keys' });
export type KeyList = z.infer<typeof KeyList>;

export const RevokedKey = z
  .looseObject({ status: z.literal('ok'), key_id: z.string() })
  .meta({ title: 'Revoked API key' });
export type RevokedKey = z.infer<typeof RevokedKey>;

/** Providers a caller may bring a model key for (v1-api.md 8.7). */
export const LLM_PROVIDERS = ['anthropic', 'openai'] as const;
export const LlmProvider = z.enum(LLM_PROVIDERS);
export type LlmProvider = z.infer<typeof LlmProvider>;

export const StoreLlmKeyRequest = z
  .strictObject({
    // Printable ASCII: it goes into a header as it is.
    api_key: z.string().regex(/^[\x21-\x7e]{16,512}$/, 'api_key has 16 to 512 printable characters'),
  })
  .meta({ title: 'Store a model key' });
export type StoreLlmKeyRequest = z.infer<typeof StoreLlmKeyRequest>;

export const StoredLlmKey = z
  .looseObject({ provider: LlmProvider, key_fingerprint: z.string(), stored: z.literal(true) })
  .meta({ title: 'Stored model key' });
export type StoredLlmKey = z.infer<typeof StoredLlmKey>;

export const LlmKeyList = z
  .looseObject({
    keys: z.array(
      z.looseObject({
        provider: LlmProvider,
        key_fingerprint: z.string(),
        created_at: z.string(),
        updated_at: z.string(),
      }),
    ),
  })
  .meta({ title: 'Stored model keys' });
export type LlmKeyList = z.infer<typeof LlmKeyList>;

export const DeletedLlmKey = z.looseObject({ deleted: z.literal(true) }).meta({ title: 'Deleted model key' });
export type DeletedLlmKey = z.infer<typeof DeletedLlmKey>;

export const Usage = z
  .looseObject({
    period: z.string(),
    total_requests: z.int(),
    total_credits: z.int(),
    total_cost_cents: z.int(),
    breakdown: z.record(z.string(), z.looseObject({ requests: z.int(), credits: z.int() })),
    balance: z.number(),
    wallet_balance_cents: z.number(),
    wallet_balance_usd: z.number(),
  })
  .meta({ title: 'Usage of one month' });
export type Usage = z.infer<typeof Usage>;

export const Health = z
  .looseObject({
    status: z.string(),
    api_version: z.string().optional(),
    service: z.string().optional(),
  })
  .meta({ title: 'Health' });
export type Health = z.infer<typeof Health>;
