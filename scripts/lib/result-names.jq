# What files are uploaded as and what their results are called, so that no two of one run collide: the rule of
# functions/lib/store/output-names.ts, except that only ASCII letters count as equal in upper and lower case.
#
# Input: text with `NAME_HASH PATH_HASH NAME` of each file, the SHA-256 of its name and path and its name, and a NUL and a
# newline after each. Output: a line for each, with the name to upload it under as in a URL, and {name, file}, where `file` is
# the name of its result; null is as split calls it. $suffix: how the names of results end.

def extension: "\\.(png|jpe?g|jfif)$";
def is_made: test("~([0-9a-f]{8}|[0-9a-f]{32})$"; "i");
def without_extension: sub(extension; ""; "i");
def short: without_extension as $short | if $short | test(extension; "i") or is_made then . else $short end;

# With a hash at its end, shortened so that the whole has at most so many bytes.
def marked($hash; $most):
  [foreach (split("")[]) as $letter (0; . + ($letter | utf8bytelength); [., $letter])
    | select(.[0] < $most - ($hash | length)) | .[1]] | add + "~" + $hash;

# How often each text occurs, ignoring case.
def counted: reduce (.[] | ascii_downcase) as $text ({}; .[$text] += 1);

(255 - ($suffix | utf8bytelength)) as $most
| split("\u0000\n")[:-1] | map({name_hash: .[:64], path_hash: .[65:129], name: .[130:]})
| (map(.name | short) | counted) as $short
| (map(.name) | counted) as $full
| (reduce .[].name as $name ({}; .[$name] += 1)) as $exact
| def named($digits):
    (if $exact[.name] > 1 then .path_hash else .name_hash end) as $hash
    | if $full[.name | ascii_downcase] > 1 then .name | marked($hash[:$digits]; $most)
      elif $short[.name | short | ascii_downcase] == 1 then null
      elif .name | utf8bytelength > $most or is_made then .name | marked($hash[:32]; $most)
      else .name end;
  (map(named(8) // empty) | counted) as $taken
| .[]
| named(8) as $brief
| (if $brief == null then null elif $taken[$brief | ascii_downcase] > 1 then named(32) else $brief end) as $stem
| if $stem == null then . + {sent: .name, file: null}
  else .path_hash[:32] as $hash | . + {sent: (.name | marked($hash; 255)), file: ($stem + $suffix)} end
| "\(.sent | @uri) \({name, file})"
