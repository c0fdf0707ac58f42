import { sharedPostgres } from '../server/shared.ts';
import { testPartitionedTargets } from './partitioned-target.ts';

testPartitionedTargets(sharedPostgres, 'another');
