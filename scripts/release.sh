#!/bin/bash
# Publishes the version in package.json to npm, with a provenance statement that says which commit and which run made it.
# Provenance needs an identity that npm trusts: run this in a workflow of GitHub or GitLab that is a trusted publisher of the
# package (permission id-token: write; no npm token then). Elsewhere npm refuses to publish; --dry-run shows what it would be.
# Usage: release.sh [--dry-run]      (npm run release)
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "release: $1" >&2
  exit 1
}

case $* in
  "" | --dry-run) ;;
  *) fail "usage: release.sh [--dry-run]" ;;
esac
version=$(node -p 'require("./package.json").version')
[[ -z $(git status --porcelain) ]] || fail "the checkout has changes that are not committed"
grep -q "^## \[$version\]" CHANGELOG.md || fail "CHANGELOG.md has no part for $version"
if [[ ${1-} != --dry-run ]]; then
  grep -qE "^## \[${version//./\\.}\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$" CHANGELOG.md || fail "the part of CHANGELOG.md for $version has no date"
  [[ $(git describe --exact-match --tags HEAD 2>/dev/null) == "v$version" ]] || fail "this commit is not tagged v$version"
fi

npm ci --ignore-scripts
npm run build
npm run types
npm run lint
npm run test:packaging
npm publish --ignore-scripts --provenance --access public "$@"
