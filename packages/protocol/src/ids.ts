import { randomHex } from '@deskhand/base';
import { z } from 'zod';

/**
 * Identifiers. Opaque to clients, 1–128 characters; the formats we mint are those of v1-api.md 1.7.
 */
const opaque = (title: string) => z.string().min(1).max(128).meta({ title });

export const RunId = opaque('Run id').brand<'RunId'>();
export type RunId = z.infer<typeof RunId>;
export const MachineId = opaque('Machine id').brand<'MachineId'>();
export type MachineId = z.infer<typeof MachineId>;
export const FrameId = opaque('Frame id').brand<'FrameId'>();
export type FrameId = z.infer<typeof FrameId>;
export const CommandId = opaque('Command id').brand<'CommandId'>();
export type CommandId = z.infer<typeof CommandId>;
export const LeaseId = opaque('Lease id').brand<'LeaseId'>();
export type LeaseId = z.infer<typeof LeaseId>;
export const DisplayId = opaque('Display id').brand<'DisplayId'>();
export type DisplayId = z.infer<typeof DisplayId>;

export const mintRunId = (): RunId => RunId.parse(`run_${randomHex(24)}`);
export const mintMachineId = (): MachineId => MachineId.parse(globalThis.crypto.randomUUID());
export const mintTestMachineId = (): MachineId => MachineId.parse(`mch_test_${randomHex(16)}`);
export const mintFrameId = (): FrameId => FrameId.parse(`frm_${randomHex(16)}`);
export const mintCommandId = (): CommandId => CommandId.parse(`cmd_${randomHex(24)}`);
export const mintLeaseId = (): LeaseId => LeaseId.parse(`lse_${randomHex(24)}`);
export const mintRequestId = (): string => `req_${randomHex(12)}`;
export const mintEventId = (): string => `evt_${randomHex(24)}`;
export const mintKeyId = (): string => `key_${randomHex(16)}`;
