import { SOURCE_TYPES } from '../../src/google/source-columns.ts';
import { CONVERSIONS, type Conversion } from '../../src/plan/conversions.ts';
import type { Convert } from '../../src/plan/expressions.ts';
import type { EvaluatedType } from './hard-values.ts';

/** How values of one type get into another by one of the two formats of COPY. */
export interface Way {
  readonly source: EvaluatedType;
  readonly target: string;
  readonly format: 'binary' | 'text';
  readonly expression: Convert;
  readonly encoding: Conversion['encoding'];
}

/** Every way that the table of conversions has, but those of a GEOGRAPHY. */
export const WAYS: readonly Way[] = SOURCE_TYPES.flatMap((source) =>
  source === 'GEOGRAPHY'
    ? []
    : Object.entries(CONVERSIONS[source]).flatMap(([target, conversion]) =>
        waysOf(source, target, conversion),
      ),
);

function waysOf(source: EvaluatedType, target: string, conversion: Conversion): readonly Way[] {
  const { encoding, expression, textExpression } = conversion;
  const asText: Way = textExpression
    ? { source, target, format: 'text', expression: textExpression, encoding: 'text' }
    : { source, target, format: 'text', expression, encoding };
  if (conversion.format === 'text') return [asText];
  return [{ source, target, format: 'binary', expression, encoding }, asText];
}
