import type { DesktopSenses } from './desktop-senses.ts';

/** Whether the page we drive loads, or the window in front says of itself that it is busy. Nobody knows: no. */
export async function stillLoading(
  senses: Pick<DesktopSenses, 'browser' | 'elements' | 'windows'>,
): Promise<boolean> {
  const { browser, elements, windows } = senses;
  if (browser !== null && (await browser.loading())) return true;
  if (elements?.isBusy === undefined) return false;
  const active = await windows.activeWindow().catch(() => null);
  return active !== null && (await elements.isBusy(active));
}
