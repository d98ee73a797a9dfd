// Versions: what the log shows of the changes of other resources. Nothing of them is kept in the directory.

import { attribute, declare } from '../declaration.ts';

export const versions = declare({
  type: 'versions',
  singular: 'version',
  operations: ['list', 'retrieve'],
  attributes: {
    resource_type: attribute('string', 'FQ', { isNullable: false }),
    resource_id: attribute('string', 'FQ', { isNullable: false }),
    event: attribute('string', 'F', { isNullable: false }),
    changes: attribute('object', 'F', { isNullable: false }),
    who: attribute('object', 'F', { isNullable: false }),
  },
});
