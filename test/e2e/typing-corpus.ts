/** Text of every class an agent has to type; names appear in test titles, the text nowhere else. */
export const TYPING_CORPUS: Readonly<Record<string, string>> = {
  'ASCII symbols': 'The quick fox: !"#$%&\'()*+,-./0123456789:;<=>?@[\\]^_`{|}~ ABC xyz',
  'Latin-1': 'Grüße aus Málaga, ça va? Ñandú, Åse, Øyvind, ß § © ® ½ ¿¡ « »',
  'Greek and Cyrillic': 'Ελληνικά και Русский текст, Українська їжак',
  'Chinese, Japanese, Korean': '日本語テスト 中文测试 한국어 시험',
  'emoji with joiners': 'a👩‍👩‍👧‍👦b🏳️‍🌈c🇩🇪d👍🏽e',
  'combining marks': 'e\u0301 n\u0303 q\u0323\u0307 a\u0323\u0308',
  'right to left': 'שלום עולם مرحبا بالعالم',
  newlines: 'one\ntwo\n\nthree',
  'an option of a shell': '--file=/etc/passwd',
  'a leading dash': '-rf *',
};
