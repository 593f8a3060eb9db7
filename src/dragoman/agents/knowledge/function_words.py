"""Words that say little about what a question or a passage is about, by language, as `words.tokens` writes them.

Articles, pronouns, prepositions, auxiliaries, and what one says around a question in a chat ("hello", "please", "tell me").
"""

_WRITTEN = {
    "en": """a about after again all also am an and any anybody anyone anything are around as ask at be because been before being between both
        but by can cannot could d did do does doing done dont each either else ever every for from further get gets getting give go
        going got had has have having he hello help her here hers hey hi him his how however i id if ill im in into is isnt it its ive
        just know let like ll m many may maybe me might mine more most much must my need no nor not now of off oh ok okay on once one
        only or other our ours out over own please possible question re really s same shall she should so some somebody someone
        something still such t tell than thank thanks that the their theirs them then there these they thing this those through to
        too understand under until up us ve very want was we well were what whats when where which while who whom whose why will wish
        with within without wonder wondering would yes yet you your yours""",
    "de": """ab aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist bitte da dabei dafur dann
        das dass dein deine dem den denn der des deshalb dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine
        einem einen einer eines einige einmal er es etwas euch euer eure fragen frage fur gegen gerne gern gibt gab geben ganz guten hab
        habe haben habt hallo hat hatte hatten hatte hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in indem ins ist
        ja jede jedem jeden jeder jedes jemand jetzt kann kannst kein keine keinem keinen keiner konnen konnte konnten konntest man
        mal manche mein meine meinem meinen meiner mehr mich mir mit mochte mochten muss mussen nach nein nicht nichts noch nun nur ob
        oder ohne sehr sein seine seinem seinen seiner seit sich sie sind so soll sollen sollte solche sondern sonst uber um und uns
        unser unsere unserem unseren unter vielleicht viel viele vom von vor wann war waren warum was weil weiter welche welchem
        welchen welcher welches wenn wer werde werden wie wieder wieviel will wir wird wirst wissen wo wohin wollen wollte wurde wurden
        zu zum zur zwischen danke tag""",
    "fr": """a ai aie alors apres as au aucun aussi autre aux avant avec avez avoir avons bonjour bonsoir c ca ce cela ces cet cette
        chez ci comme comment d dans de des donc du elle elles en encore es est et etaient etait etant ete etes etre eu eux fait faire
        faut ici il ils j je l la le les leur leurs lui m ma mais me meme mes merci moi mon n ne ni non nos notre nous on ont ou oui
        par parce pas peu peut peuvent peux plait plus pour pourquoi pouvez pouvoir puis puisje qu quand que quel quelle quelles quels
        qui quoi s sa salut sans se sera ses si sil soit sommes son sont sous sur svp t ta te tes toi ton tous tout toute toutes tres
        tu un une vais va veux voudrais voulez vos votre vous voici voila y""",
    "es": """a al algo alguien algun alguna algunas alguno algunos ante antes aqui asi aun buenas buenos cada como con cual cuales cuando
        cuanta cuantas cuanto cuantos de del desde donde dos durante e el ella ellas ellos en entre era eramos eran es esa esas ese eso
        esos esta estaba estado estan estar estas este esto estos estoy favor fue fueron gracias ha haber habia hace hacen hacer hacia
        han hasta hay he hola la las le les lo los mas me mi mia mio mis mucho muchos muy nada ni no nos nosotros o os otra otras otro
        otros para pero poco por porque puede pueden puedo que quien quienes quiero quisiera quiere se sea sean ser si sido sin sobre
        somos son soy su sus suya suyo tambien tan tanto te tener tengo ti tiene tienen todo todos tu tus u un una unas uno unos usted
        ustedes ya yo""",
    "it": """a ad agli ai al alla alle allo anche avere aveva avete avra ancora buongiorno c che chi ci ciao cio come con cosa cui d da dagli
        dai dal dalla dalle dallo degli dei del della delle dello di dopo dov dove e ecco ed essere fa fare fino fra gli grazie ha hai
        hanno ho i il in io l la le lei li lo loro lui ma mi mia mie miei mio molto ne negli nei nel nella nelle nello no noi non nostra
        nostro o ogni per perche piu posso possono potete potrei puo quale quali quando quanto quanti quanta quante quella quelle quelli
        quello questa queste questi questo qui salve se sei si sia siamo siete sono sta stato su sua sue sugli sui sul sulla suo suoi
        tra tu tua tue tuo tuoi tutti tutto un una uno vi voglio voi vorrei vostra vostro""",
    "pt": """a ao aos aquela aquele aqui as ate boa bom com como da das de dela dele deles depois do dos e ela elas ele eles em entre era
        essa essas esse esses esta estao estar este estes eu faz fazer foi foram ha isso isto ja la lhe lhes mais mas me mesmo meu meus
        minha minhas muito na nao nas nem no nos nossa nosso num numa o obrigado obrigada oi ola onde os ou para pela pelas pelo pelos
        perto pode podem podia por porque posso qual quais quando quanto quantos que quem quero queria se sem ser seu seus sao so sobre
        sua suas tambem te tem tenho ter teu tu tua um uma umas uns voce voces""",
    "nl": """aan al alle alles als ander andere ben bent bij bijna daar dan dank dat de deze die dit doe doen door dus een er geen goed goede
        graag had hallo heb hebben hebt heeft hem het hier hij hoe hoeveel hun iets ik in is ja je jij jou jouw jullie kan kon kunnen
        kunt maar mag me meer men met mij mijn moet moeten na naar nee niet niets nog nu of om omdat onder ons onze ook op over
        s te toch toen tot u uit uw van veel voor waar waarom wanneer want waren was wat we wel welk welke wie wij wil willen wordt
        worden zal ze zei zich zij zijn zo zonder zou zullen""",
}

FUNCTION_WORDS = {language: frozenset(words.split()) for language, words in _WRITTEN.items()}
