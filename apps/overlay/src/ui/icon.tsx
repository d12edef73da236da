import sprite from './icons.svg?no-inline';

/** A shape of the sprite, 24×24, stroked with the text colour. No state is told by colour alone. */
export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <use href={`${sprite}#${name}`} />
    </svg>
  );
}
