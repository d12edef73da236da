import type { Mode } from '../storage/schema.ts';

/** Whose objects a request may see: everything else is 404. */
export type Owner = Readonly<{ accountId: string; mode: Mode }>;

/** The one account of a self-hosted install. */
export const LOCAL_ACCOUNT = 'local';
