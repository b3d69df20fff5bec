//! Values that a schema allows, made up so that they read like the company's.

use serde_json::{Map, Value, json};

use super::surface::Surface;
use crate::simulator::world::{Dice, World};

/// How deep made-up objects go; below, lists and objects are empty.
const DEPTH: usize = 4;

/// Makes up a value of a schema.
pub fn value(surface: &Surface, schema: &Value, world: &World, now_ms: i64, dice: &mut Dice) -> Value {
    Maker { surface, world, now_ms }.value(schema, "", DEPTH, dice)
}

struct Maker<'a> {
    surface: &'a Surface,
    world: &'a World,
    now_ms: i64,
}

impl Maker<'_> {
    fn value(&self, schema: &Value, name: &str, depth: usize, dice: &mut Dice) -> Value {
        let schema = self.surface.resolve(schema);
        match schema["type"].as_str().unwrap_or_default() {
            "object" => {
                let Some(properties) = schema["properties"].as_object().filter(|_| depth > 0) else { return json!({}) };
                let members = properties.iter().map(|(name, inner)| (name.clone(), self.value(inner, name, depth - 1, dice)));
                Value::Object(members.collect::<Map<_, _>>())
            }
            "array" if depth == 0 => json!([]),
            "array" => Value::from(vec![self.value(&schema["items"], name, depth - 1, dice)]),
            "integer" => self.integer(schema, name, dice),
            "number" => json!(48.25),
            "boolean" => Value::from(dice.chance(40)),
            _ => Value::from(self.text(name, dice)),
        }
    }

    fn integer(&self, schema: &Value, name: &str, dice: &mut Dice) -> Value {
        let back = i64::try_from(dice.below(20 * 86_400)).unwrap_or(0);
        match (schema["x-unit"].as_str(), name) {
            (Some("epoch_ms"), _) => Value::from(self.now_ms - back * 1_000),
            (Some("epoch_s"), _) => Value::from(self.now_ms / 1_000 + 86_400),
            (Some(_), _) => Value::from(3_600),
            (None, "status") => Value::from(2),
            (None, name) if name.ends_with("port") => Value::from(443),
            (None, "token") => Value::from(100_000 + dice.below(900_000)),
            (None, _) => {
                let known = schema["enum"].as_array().or_else(|| schema["x-known-values"].as_array());
                match known {
                    Some(known) if !known.is_empty() => dice.pick(known).clone(),
                    _ => Value::from(dice.below(5)),
                }
            }
        }
    }

    fn text(&self, name: &str, dice: &mut Dice) -> String {
        let person = dice.pick(&self.world.people).clone();
        let machine = dice.pick(&self.world.machines).clone();
        match name {
            "account_name" => super::ACCOUNT.into(),
            "display_name" | "owner_display_name" | "user_display_name" | "creator_display_name" | "updater_display_name" => person.name,
            "hostname" | "machine_name" | "host" | "app_host" => machine.host,
            "os" => machine.os.into(),
            "client_ip" | "ip" => machine.ip,
            "country" => "Netherlands".into(),
            "country_code" => "NL".into(),
            "email" | "login" | "user_login" => person.mail,
            _ if name.ends_with("user_uuid")
                || name.ends_with("owner_uuid")
                || name.starts_with("creator")
                || name.starts_with("updater") =>
            {
                person.id
            }
            "device_uuid" => machine.id,
            _ if name.contains("secret") || name.contains("token") || name.contains("private_key") || name.contains("password") => {
                dice.hex(40)
            }
            _ if name.ends_with("uuid") || name.ends_with("uuids") || name.ends_with("_id") => dice.uuid(),
            _ if name.contains("domain") => self.world.domain.into(),
            _ if name.contains("url") => format!("https://{}/{}", self.world.domain, dice.hex(6)),
            _ if name.ends_with("description") || name.contains("text") => format!("{} of {}", name.replace('_', " "), person.department),
            _ => format!("{}-{}", if name.is_empty() { "item" } else { name }, dice.hex(4)),
        }
    }
}
