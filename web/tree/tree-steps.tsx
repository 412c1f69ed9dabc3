/** The road in words, from the leaf up: what the picture shows, for whoever listens or reads on paper. */
import type { ComponentChildren } from 'preact';
import { LongHex } from '../parts/long-hex.tsx';
import { treeStrings as words } from '../strings/tree.ts';
import type { Level, Road } from './model.ts';

/** @param bound the root that a bundle binds, hex */
export function TreeSteps({ road, bound }: { road: Road; bound: string | null }) {
  const { name, id, key, levels, computed, stated } = road;
  return (
    <div class="tree-steps">
      <h4>{words.steps}</h4>
      <ol>
        <li>
          {words.stepName(name)}
          <Values>
            <Value name={words.hash.id} hex={id} />
            <Value name={words.hash.key} hex={key} />
          </Values>
        </li>
        <End road={road} />
        {levels.map((level) => (
          <Step key={level.depth} level={level} />
        ))}
        <li>
          <Values>
            <Value name={words.arrives} hex={computed} />
            <Value name={words.named} hex={stated}>
              <Equal equal={stated === computed} />
            </Value>
            {bound !== null && (
              <Value name={words.bundleBinds} hex={bound}>
                <Equal equal={bound === computed} />
              </Value>
            )}
          </Values>
        </li>
      </ol>
    </div>
  );
}

function End({ road: { end } }: { road: Road }) {
  if (end.kind === 'empty') return <li>{words.stepEmpty}</li>;
  const { hash } = words;
  const own = end.kind === 'leaf';
  return (
    <li>
      {own ? words.stepLeaf : words.stepOther}
      <Values>
        {!own && <Value name={hash.otherKey} hex={end.key} />}
        <Value name={own ? hash.value : hash.otherValue} hex={end.value} />
        <Value name={own ? hash.leaf : hash.otherLeaf} hex={end.hash} />
      </Values>
    </li>
  );
}

function Step({ level: { depth, bit, sibling, siblingSide, node } }: { level: Level }) {
  const side = words.sides[siblingSide];
  return (
    <li>
      {words.step(depth, bit, bit === 1)}{' '}
      {sibling === null ? (
        words.withEmpty(side)
      ) : (
        <>
          {words.withSibling(side)}
          <LongHex what={words.hash.sibling(depth)} hex={sibling} />
        </>
      )}
      {words.becomes}
      <LongHex what={words.hash.node(depth)} hex={node} />.
    </li>
  );
}

function Values({ children }: { children: ComponentChildren }) {
  return <dl class="tree-values">{children}</dl>;
}

type ValueProps = { name: string; hex: string; children?: ComponentChildren };

function Value({ name, hex, children }: ValueProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <LongHex what={name} hex={hex} /> {children}
      </dd>
    </div>
  );
}

function Equal({ equal }: { equal: boolean }) {
  return (
    <span class={`status status-${equal ? 'pass' : 'fail'}`}>
      <span aria-hidden="true">{equal ? '=' : '≠'}</span>
      <span>{equal ? words.equal : words.unequal}</span>
    </span>
  );
}
