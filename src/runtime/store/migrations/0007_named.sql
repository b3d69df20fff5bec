-- What a vendor calls an event makes it alike where no rule is named (store::events::NAMING). Before, the title without what varies did,
-- and of a detection's name with the file that it was found in nothing was left: all of them counted as alike.
UPDATE event SET rule = fields ->> '$."Event name"'
WHERE coalesce(fields ->> '$."Event name"', '') <> '' AND coalesce(fields ->> '$."Rule name"', '') = '';
