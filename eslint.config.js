// How the scripts of the components are written: see cnnfix_ui/components/assets.py for why their imports are so plain.
import js from "@eslint/js";
import confusing from "confusing-browser-globals";
import { importX } from "eslint-plugin-import-x";
import globals from "globals";

const plain = (selector, message) => ({ selector, message });

export default [
  { ignores: ["**/.venv*/", "**/build/", "**/dist/", "**/node_modules/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { "import-x": importX },
    rules: {
      eqeqeq: "error",
      "import-x/first": "error",
      "import-x/named": "error",
      "import-x/no-cycle": "error",
      "import-x/no-duplicates": "error",
      "import-x/no-unresolved": "error",
      "no-implicit-globals": "error",
      "no-shadow-restricted-names": "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["cnnfix_ui/**/*.js", "tests/**/*.js"],
    languageOptions: { globals: globals.browser },
    rules: {
      "no-restricted-globals": ["error", ...confusing], // "name", "top" and "stop" would else pass as defined
      "no-restricted-syntax": [
        "error",
        plain("ImportNamespaceSpecifier, ImportDefaultSpecifier", "Import names in braces: import { name } from ..."),
        plain("ImportDeclaration[specifiers.length=0]", "Import what is used: import { name } from ..."),
        plain("ImportExpression", "There is only one script in the browser: import at the top."),
        plain("ExportAllDeclaration, ExportSpecifier", "Write 'export' before the declaration."),
        plain(
          ":matches(Program, ExportNamedDeclaration) > VariableDeclaration > VariableDeclarator[id.type!='Identifier']",
          "At the top level, one name in each declaration.",
        ),
        plain(
          ":matches(Program, ExportNamedDeclaration) > VariableDeclaration[declarations.length>1]",
          "At the top level, one name in each declaration.",
        ),
      ],
    },
  },
];
