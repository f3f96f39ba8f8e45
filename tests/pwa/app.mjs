// Lets Node run the app's files as they are: they name each other without their ending, as the builder reads them.
import { registerHooks } from "node:module";

registerHooks({
  resolve: (name, context, next) => next(/^\.\.?\//.test(name) && !/\.\w+$/.test(name) ? `${name}.ts` : name, context),
});
