//! What a form is about: ids with their names, for the questions that are asked before it is sent.

use std::collections::BTreeMap;

use super::Form;
use super::field::Field;
use crate::core::catalogue::{Pick, Reach};
use crate::core::console::effect::Effect;
use crate::core::lookup::{Asked, Named};
use crate::core::target::{Target, has_names, noun_of, target_among};

/// The most names of one field that a question shows in a line.
const SHOWN: usize = 4;

impl Form {
    /// What the command would act on, and what one of these is.
    pub fn targets(&self) -> (Vec<Target>, &'static str) {
        match self.target_field() {
            Some(field) => (self.named(field), noun_of(&field.parameter)),
            None => (Vec::new(), "target"),
        }
    }

    /// What else the command names by ids: what they are, and their names.
    pub fn others(&self) -> Vec<(String, String)> {
        let main = self.target_field().map(|field| &field.parameter.name);
        let others = self.fields.iter().filter(|field| Some(&field.parameter.name) != main && has_names(&field.parameter));
        others
            .filter_map(|field| {
                let targets = self.named(field);
                let more = targets.len().saturating_sub(SHOWN);
                let mut shown: Vec<String> = targets.iter().take(SHOWN).map(Target::to_string).collect();
                if more > 0 {
                    shown.push(format!("and {more} more"));
                }
                let noun = noun_of(&field.parameter);
                (!shown.is_empty()).then(|| (capital(noun), shown.join(", ")))
            })
            .collect()
    }

    fn target_field(&self) -> Option<&Field> {
        let held = self.fields.iter().filter(|field| !field.values().is_empty()).map(|field| &field.parameter);
        let target = target_among(held)?;
        self.fields.iter().find(|field| field.parameter.name == target.name)
    }

    fn named(&self, field: &Field) -> Vec<Target> {
        field.values().into_iter().map(|id| Target { name: self.name_of(field, &id).cloned(), id }).collect()
    }

    /// What a value of a field is called, where that is known.
    pub fn name_of<'a>(&'a self, field: &'a Field, value: &str) -> Option<&'a String> {
        field.names.get(value).or_else(|| self.names.get(value)).filter(|name| name.as_str() != value)
    }

    /// Every id in it with its name.
    pub fn all_names(&self) -> BTreeMap<String, String> {
        let targets = self.fields.iter().filter(|field| has_names(&field.parameter)).flat_map(|field| self.named(field));
        targets.filter_map(|target| Some((target.id, target.name?))).collect()
    }

    /// What the other fields hold that a list needs.
    pub fn asked(&self, pick: &Pick, values: Vec<String>) -> Asked {
        let named: Vec<&str> = pick.fields();
        let held = self.fields.iter().filter(|field| named.contains(&field.parameter.name.as_str()));
        Asked { fields: held.map(|field| (field.parameter.name.clone(), field.values())).collect(), values }
    }

    /// Asks what ids are called whose names are not known, each once. A list that is meant to be chosen from is read for that only where
    /// much depends on the ids being the right ones.
    pub fn seek_names(&mut self) -> Vec<Effect> {
        let mut asks = Vec::new();
        for at in 0..self.fields.len() {
            let Some(field) = self.fields.get(at) else { continue };
            let grave = self.command.class.reach >= Reach::Disruptive;
            let Some(pick) = field.parameter.names.clone().or_else(|| field.parameter.pick.clone().filter(|_| grave)) else { continue };
            let Some((field, values)) = self.nameless_values(at) else { continue };
            let asked = self.asked(&pick, values);
            asks.push(Effect::Name { form: self.id, field, connection: self.connection.clone(), pick, asked });
        }
        asks
    }

    /// A field and its values of which no name is known and was asked for yet; they count as asked for from then on.
    pub fn nameless_values(&mut self, at: usize) -> Option<(String, Vec<String>)> {
        let field = self.fields.get(at)?;
        let unknown = |value: &String| self.name_of(field, value).is_none() && !field.sought.contains(value);
        let values: Vec<String> = field.values().into_iter().filter(unknown).collect();
        let field = self.fields.get_mut(at).filter(|_| !values.is_empty())?;
        field.sought.extend(values.iter().cloned());
        Some((field.parameter.name.clone(), values))
    }

    /// Every name that is known, whatever it is of.
    pub fn known_names(&self) -> BTreeMap<String, String> {
        let of_fields = self.fields.iter().flat_map(|field| &field.names);
        self.names.iter().chain(of_fields).map(|(id, name)| (id.clone(), name.clone())).collect()
    }

    /// Takes up the names of a field's values.
    pub fn learn_names(&mut self, name: &str, named: Named) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.parameter.name == name) {
            field.names.extend(named.into_iter().filter(|(_, name)| !name.is_empty()));
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
